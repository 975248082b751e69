"""What the operations of `Lanes` become: one file per kind of machine."""
