"""What a crawl cannot read: counted, shown, and never taken for gone."""
