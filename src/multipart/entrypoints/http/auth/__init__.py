"""Who calls: authentication of every request to /api and /s3."""
