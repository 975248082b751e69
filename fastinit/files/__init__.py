"""Files that are complete or absent, and arrays larger than memory."""
