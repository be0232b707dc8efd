"""Tests of ``shared.retrieval.evidence``."""
