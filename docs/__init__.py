"""The pages, and the scripts that write their tables and pictures."""
