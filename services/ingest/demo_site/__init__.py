"""The bundled demo: a catalogue of movies, and the small web site that presents it.

Only ``services.ingest.__main__`` starts the site; no other package imports this one.
"""
