"""The OpenAPI document, and the page at `/docs` that displays it."""

from .config import openapi_config

__all__ = ["openapi_config"]
