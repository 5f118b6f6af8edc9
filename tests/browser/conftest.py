"""Fixtures of the browser tests."""

from .page_browser import (
    page_browser,
    page_bucket,
    page_service,
    page_settings,
    upload_page,
)

__all__ = ["page_browser", "page_bucket", "page_service", "page_settings", "upload_page"]
