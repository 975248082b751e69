"""Public batteries for random words, on what `fastinit stream` writes."""
