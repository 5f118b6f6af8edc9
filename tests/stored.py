"""What earlier releases have stored: fixtures that every later release must read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[1]
STORED_SQL: Final = sorted(
    path.relative_to(_ROOT) for path in _ROOT.glob("tests/fixtures/stored/*/sql/*")
)
"""One folder per schema of a release, the oldest first."""


def read_statements(stored: Path, kind: str) -> str:
    """Return the statements of one kind, such as INSERT, that work in every database."""
    lines = (stored / "postgresql.sql").read_text().splitlines()
    return "\n".join(line for line in lines if line.startswith(kind))
