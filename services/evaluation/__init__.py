"""Retrieval quality, measured: modes side by side over judged queries, with confidence."""
