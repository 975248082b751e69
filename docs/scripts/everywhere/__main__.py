"""Make the table of hashes (`tests/definition/hashes.py`) in every environment at hand, and compare it.

    python -m docs.scripts.everywhere threads cpus       some of the groups
    python -m docs.scripts.everywhere --small all        all groups, without the arrays that several threads fill

The exit status is 1 if a hash differs, or if an environment that was asked for by name is unavailable. The script needs
fastinit's dependencies, pip and, for some groups, Debian's apt-get; it does not need root. Downloads go to the folder `--work`,
which may be deleted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from docs.scripts import arguments as script_arguments
from docs.scripts.everywhere.environments import GROUPS, THIS
from docs.scripts.markdown import DOCS

TREE = DOCS.parent
#: Variables of this process that an environment does not inherit.
NUMBA_OWN = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_NUM_THREADS", "PYTHONPATH", "PYTHONHOME")


def check(environment, args):
    """Make the table in one environment; return a summary, and whether every hash is the same."""
    variables = {name: value for name, value in os.environ.items() if name not in NUMBA_OWN}
    variables |= {"NUMBA_CACHE_DIR": str(args.work / "cache"), "NUMBA_NUM_THREADS": "2", "PYTHONUNBUFFERED": "1"}
    variables |= environment.variables | {"PYTHONPATH": os.pathsep.join([str(TREE), *environment.modules])}
    command = [*environment.python, "-m", "tests.definition.hashes", *environment.arguments, *args.hashes_options]
    started = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=TREE, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=args.timeout
        )
        printed, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        printed, code = (late.stdout or b"").decode() + f"stopped after {args.timeout:.0f} s\n", 1
    args.log.joinpath(environment.name.replace(" ", "-").replace("/", "-") + ".log").write_text(printed)
    lines = [line for line in printed.splitlines() if line]
    last = [line for line in lines if " hashes made" in line] or lines[-1:] or ["printed nothing"]
    if args.show or environment == THIS:
        print(printed)
    return f"{last[-1]}; exit code {code}, {time.monotonic() - started:.0f} s", code == 0


def parse(argv):
    parser = script_arguments.parser(__doc__)
    parser.add_argument("groups", nargs="+", choices=[*GROUPS, "all"], metavar="GROUP", help=", ".join([*GROUPS, "all"]))
    work = Path(tempfile.gettempdir()) / "fastinit-everywhere"
    parser.add_argument("--work", type=Path, default=work, help="folder for downloads, caches and logs (default %(default)s)")
    parser.add_argument("--timeout", type=float, default=7200, help="seconds for one environment")
    parser.add_argument("--show", action="store_true", help="print the hashes of every environment, not of this Python alone")
    parser.add_argument("--small", action="store_true", help="only arrays too small for several threads")
    parser.add_argument("--match", metavar="TEXT", help="only labels that contain TEXT")
    parser.add_argument("--dtypes", help="only these dtypes, separated by commas")
    args = parser.parse_args(argv)
    args.work = args.work.resolve()
    args.log = args.work / "logs"
    args.log.mkdir(parents=True, exist_ok=True)
    values = {"--match": args.match, "--dtypes": args.dtypes}
    args.hashes_options = [part for name, value in values.items() if value for part in (name, value)]
    args.hashes_options += ["--small"] if args.small else []
    return args


def main(argv=None):
    args = parse(argv)
    groups = list(GROUPS) if "all" in args.groups else args.groups
    good = True
    for group in groups:
        try:
            for environment in GROUPS[group](args.work):
                summary, same = check(environment, args)
                good &= same
                print(f"{'same' if same else 'DIFFERENT'}  {environment.name}: {summary}", flush=True)
        except (RuntimeError, OSError) as error:  # no network, no Debian, no such interpreter
            good &= "all" in args.groups
            print(f"unavailable  {group}: {error}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
