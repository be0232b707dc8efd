"""Datasets on disk: turns rows of parquet, csv and jsonl files into items, in constant memory.

The dataset spider imports ``dataset_items``, which reads rows with ``table_reader``.
"""
