"""Security headers: those of every answer, and the stricter ones of the HTML pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DEFAULT_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
_PAGE_POLICY: Final = {
    "default-src": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


def page_headers(sources: Mapping[str, str]) -> dict[str, str]:
    """Allow a page the given sources of its Content-Security-Policy and nothing else."""
    policy = {**_PAGE_POLICY, **sources}
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        # Neither the store nor any other site needs the address of the page.
        "Referrer-Policy": "no-referrer",
    }
