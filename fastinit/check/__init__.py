"""`fastinit check`: whether what a sampler makes follows its exact law, without any order in it."""
