"""The ingest service: crawls configured sources, one Scrapy child process for each run.

The packages in the order of the flow: ``sources`` (what may be crawled), ``supervisor`` (runs and
their processes), ``crawl`` (one Scrapy process), ``spiders`` (pages and files to items), ``web``
(politeness and limits), ``pages`` (bytes to items, pure), ``visits`` (which pages were read),
``delivery`` (items to the stream), ``demo_site`` (the bundled site). No other service imports
ingest; the command line imports ``settings`` and ``sources`` only.

Errors::

    ValueError
    ├── sources.source_file.SourceInvalid                  sources.toml is invalid
    ├── pages.unreadable.PageUnreadable                    a page has an unknown structure
    ├── pages.datasets.dataset_errors.DatasetInvalid       a file of a dataset cannot be read
    ├── pages.schema_org.microdata.MicrodataTooDense       reading a page takes too much work
    └── demo_site.demo_catalogue.CatalogueInvalid          a file of the bundled demo is damaged
    Exception
    ├── supervisor.folder.FolderUnusable                   the ingest folder cannot be used
    ├── spiders.page_sequences.OtherSequence               a page begins another page sequence
    └── web.politeness.PatienceExhausted                   a site asks for too long a pause

``web`` lists the reasons for which Scrapy drops a request.
"""
