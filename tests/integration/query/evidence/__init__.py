"""What the hits of a search quote, over the API."""
