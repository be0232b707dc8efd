"""Judged queries: how they are read, ranked, measured and held against floors."""
