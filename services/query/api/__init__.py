"""The operations of the HTTP API: request models, response models and routes.

Only ``services.query.app`` imports the routes. Central classes: ``requests.SearchRequest``,
``schemas.SearchResponse``.
"""
