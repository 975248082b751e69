"""`fastinit bench`: the samplers that are installed, side by side. asv's `benchmarks/` measure with the same code."""
