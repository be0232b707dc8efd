"""Reviews from the stream to vectors and published snapshots; the only owner of the database."""
