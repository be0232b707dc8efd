"""The three services, and the two ways to start them."""
