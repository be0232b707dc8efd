"""The original design as a small program: the baseline of every ratio."""
