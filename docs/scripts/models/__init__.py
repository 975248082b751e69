"""The initialisation of whole models, timed."""
