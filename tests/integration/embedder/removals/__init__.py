"""What runs and operators remove, with the real tables and the real loops."""
