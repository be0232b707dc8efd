"""Tests of the readers of single values."""
