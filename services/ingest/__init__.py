"""The ingest service: crawls configured sources, one Scrapy child process per run."""
