"""What is done to tensors without memory: noted while a constructor or a rule runs, and done later, or at once where needed."""
