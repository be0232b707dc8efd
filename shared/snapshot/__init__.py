"""The snapshot format: how it is written, committed, verified and opened."""
