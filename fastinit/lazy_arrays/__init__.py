"""Arrays that are drawn where they are touched, and never stored."""
