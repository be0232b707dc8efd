"""What may be crawled: ``sources.toml``, read and checked, with the line of each fault.

Every room of ingest, and the command line, may import this one; it imports ``shared`` only.
Central classes: ``sources.SchemaOrgSource``, ``sources.DatasetSource``, ``sources.ImdbSource``.
"""
