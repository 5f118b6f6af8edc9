"""The REST endpoints under /api."""
