"""Contracts that two services must agree on, nothing else."""
