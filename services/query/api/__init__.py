"""The operations of the HTTP API: what is asked, what is answered, and the routes.

Only ``services.query.app`` imports the routes. Central classes: ``requests.SearchRequest``,
``schemas.SearchResponse``.
"""
