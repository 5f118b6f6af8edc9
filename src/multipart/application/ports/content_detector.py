"""The port that recognizes the type of a file by its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ContentDetector(Protocol):
    """Recognizes file formats by their signatures."""

    def detect(self, head: bytes) -> Sequence[str]:
        """Return the media types that a file with these first bytes may have.

        The likeliest is first; empty if no signature is recognized.
        """
        ...
