"""The embedder's SQL: tables, schema upgrades, and one module for each thing that is stored.

The other packages of the embedder import it; it imports none of them. Central classes:
``work_list.WorkList``, ``run_ledger.Ledgers`` and ``snapshot_records.SnapshotRecords``; central
functions: ``engine.open_engine``, ``movie_store.store_movies`` and ``review_store.store_reviews``.
"""
