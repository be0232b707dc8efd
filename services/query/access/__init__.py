"""Who may ask, how often, and from which other sites: search keys, rates, proxies, CORS.

``middleware``, ``components``, ``app`` and the command ``movie-search keys`` import it. Central
classes: ``admission.Admission``, ``key_file.KeyFile``, ``origins.CorsOrigins``.
"""
