"""The service over HTTP: the Litestar application and its groups of routes."""
