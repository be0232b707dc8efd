"""The bundled demo: a catalogue of films and the small web site that shows it."""
