"""Fill one tensor, wherever its elements are."""
