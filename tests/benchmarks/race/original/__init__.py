"""The original design as a small program: what every ratio is taken against."""
