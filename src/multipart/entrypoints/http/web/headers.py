"""What every answer of the page tells the browser to refuse."""

from __future__ import annotations

from collections.abc import Mapping


def security_headers(store_origin: str) -> Mapping[str, str]:
    """Allow the page its own files, and to talk to this service and to the store; nothing else."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self' {store_origin}",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        # The address of the page is nobody's business, S3's least of all.
        "Referrer-Policy": "no-referrer",
    }
