"""Catalogues on disk: rows of parquet, csv and jsonl files to items, in constant memory.

The dataset spider imports ``dataset_items``, which reads rows through ``dataset_rows``.
"""
