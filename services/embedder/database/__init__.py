"""The embedder's SQL: tables, schema upgrades, and one module for each thing that is stored.

The other rooms of the embedder import it; it imports none of them. Central classes:
``work_list.VectorStore``, ``run_ledger.Ledgers``.
"""
