"""The query service: searches over the snapshot that the embedder published last."""
