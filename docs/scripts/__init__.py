"""Scripts behind the docs; run each from the root of the repository, as `python -m docs.scripts.pages.figures --help`.

- `pages`: measure, and write the tables and pictures of a page.
- `derivations`: where the numbers of the stream format come from, and how exact they are.
- `models`: the initialisation of whole models, timed.
- `everywhere`: the table of hashes, made in every environment at hand.
"""
