"""Files that are whole or not there, and arrays larger than memory."""
