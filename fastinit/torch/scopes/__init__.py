"""A `with` block to which the random operations of its thread come, whichever code calls for them."""
