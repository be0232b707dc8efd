"""The bundled demo: a catalogue of movies and the small web site that shows it.

Only ``services.ingest.__main__`` starts it; no other room imports it.
"""
