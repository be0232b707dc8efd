"""Embedders on several hosts: folders of their own, and one PostgreSQL."""
