"""Spiders: from a source to items, nothing else."""
