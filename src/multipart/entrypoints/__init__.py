"""The driving side: HTTP and the command line."""
