"""The supervisor: takes requested runs, starts a crawl process for each, and ends every run.

Only ``services.ingest.__main__`` imports this package, and it imports no Scrapy. Central classes:
``supervisor.Supervisor``, ``attempt.CrawlAttempt``, ``lost_runs.LostRuns``.
"""
