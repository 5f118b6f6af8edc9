"""Headers that protect every answer, and the stricter ones of the HTML pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from litestar.types import Message, Scope

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


async def send_security_headers(message: Message, scope: Scope) -> None:  # noqa: ARG001
    """Add the headers that a route did not set; for Litestar's `before_send`, a 404 included."""
    if message["type"] == "http.response.start":
        headers = message["headers"]
        names = {name for name, _ in headers}
        missing = [header for header in DEFAULT_HEADERS if header[0] not in names]
        message["headers"] = [*headers, *missing]


def page_headers(sources: Mapping[str, str]) -> dict[str, str]:
    """Allow a page the given sources of its Content-Security-Policy and nothing else."""
    policy = {**_PAGE_POLICY, **sources}
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        # Neither the store nor any other site needs the address of the page.
        "Referrer-Policy": "no-referrer",
    }
