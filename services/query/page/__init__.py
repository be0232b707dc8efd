"""The page as static files: what ``make setup`` built of ``ui``, and the files beside this module.

Only ``services.query.app`` imports it.
"""
