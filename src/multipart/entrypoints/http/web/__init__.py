"""The page at `/`: a client of the REST interface that runs in a browser."""

from .page import web_page_router

__all__ = ["web_page_router"]
