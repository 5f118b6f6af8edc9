"""Errors on the wire: RFC 9457 problem details, their schemas, examples and OpenAPI responses."""
