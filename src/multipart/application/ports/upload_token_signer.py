"""Port: sign upload tokens."""

from __future__ import annotations

from typing import Protocol

from ...domain.upload_token import UploadToken


class UploadTokenSigner(Protocol):
    """Signs with a key that the verifier of upload tokens accepts."""

    def sign(self, token: UploadToken) -> str:
        """Return the token as text that needs no escaping in a URL's path."""
        ...
