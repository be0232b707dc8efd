"""How films are found in a snapshot: what the query service serves and the gates measure."""
