"""What Python imports first in the crawls of some tests."""
