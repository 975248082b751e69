"""Models without memory as files of initial weights, a piece at a time."""
