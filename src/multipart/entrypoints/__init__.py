"""Entrypoints: HTTP and the command line."""
