"""Inputs of ingest for tests."""
