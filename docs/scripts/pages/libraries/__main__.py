"""Test the samplers of other libraries against their exact laws, and write the tables of `docs/libraries.md`.

`python -m docs.scripts.pages.libraries` tests all cases of the libraries that are installed: some hours. With --case it tests
some and keeps the rest of the tables; with --page it only writes the page from what was found before.
"""

from importlib import import_module

from docs.scripts import arguments
from docs.scripts.pages.libraries import page, running
from fastinit.peers.libraries import installed

LIBRARIES = ("numpy", "torch", "jax", "tensorflow")


def cases(library):
    """The cases of a library."""
    return import_module(f"docs.scripts.pages.libraries.of_{library}").CASES


def main(argv=None):
    parser = arguments.parser(__doc__)
    parser.add_argument("--library", action="append", choices=LIBRARIES, help="repeatable; default: all that are installed")
    parser.add_argument("--case", action="append", help="only those whose title has this text; repeatable")
    parser.add_argument("--samples", type=arguments.count, default=2**24, help="values of each case (default %(default)s)")
    parser.add_argument("--again", action="store_true", help="test those too that were tested with as many values")
    parser.add_argument("--page", action="store_true", help="test nothing, write the page")
    args = parser.parse_args(argv)
    for library in [] if args.page else args.library or filter(installed, LIBRARIES):
        chosen = [case for case in cases(library) if not args.case or any(text in case.title for text in args.case)]
        running.run(library, chosen if args.again else running.missing(library, chosen, args.samples), args.samples)
    page.write({library: cases(library) for library in LIBRARIES if running.read(library)["cases"]})


if __name__ == "__main__":
    main()
