"""Contracts that two services must agree on, and the library that several of them run."""
