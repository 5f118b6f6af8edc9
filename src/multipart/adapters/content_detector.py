"""The content detector port on puremagic's signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import puremagic

# Shorter signatures are too common in other files: two bytes make a text a bitmap. The library's
# confidence is a tenth of the length in bytes.
_MIN_CONFIDENCE: Final = 0.3
_LEADING_SPACE: Final = b"\xef\xbb\xbf \t\r\n\f"
"""What a browser skips before the markup that it recognizes, with the UTF-8 byte order mark."""
_UNSPECIFIC: Final = frozenset({"", "application/octet-stream"})


class PuremagicDetector:
    """Recognizes about a thousand formats by the signatures at the start of a file."""

    def detect(self, head: bytes) -> Sequence[str]:
        """Return the media types by confidence; of equal ones, the more general name first."""
        return _match(head) or _match(head.lstrip(_LEADING_SPACE))


def _match(head: bytes) -> list[str]:
    if not head:
        return []
    try:
        matches = puremagic.magic_string(head)
    except puremagic.PureError:
        return []
    found: dict[str, float] = {}
    for match in matches:
        name = match.mime_type
        if match.confidence >= _MIN_CONFIDENCE and name not in _UNSPECIFIC:
            found[name] = max(match.confidence, found.get(name, 0))
    return sorted(found, key=lambda name: (-found[name], len(name), name))
