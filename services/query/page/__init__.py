"""The page as static files: the build of ``ui``, and the files in this folder.

Only ``services.query.app`` imports it. Central class: ``page_files.PageFiles``.
"""
