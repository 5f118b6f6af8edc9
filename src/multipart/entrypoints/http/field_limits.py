"""Bounds of the fields that more than one group of routes takes."""

from typing import Final

MAX_UPLOAD_ID_LENGTH: Final = 64
MAX_KEY_LENGTH: Final = 1024
NO_NUL: Final = r"^[^\x00]*$"
"""PostgreSQL stores no NUL in a text, and no field of ours contains one."""
