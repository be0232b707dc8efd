"""Tests of the reader of datasets."""
