"""What sources of different kinds tell of movies, crawled by real processes."""
