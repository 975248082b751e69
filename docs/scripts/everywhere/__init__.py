"""The table of hashes (`tests/definition/hashes.py`), made in every environment at hand."""
