"""Logging to standard error: one line per event, without stack traces."""

from __future__ import annotations

import logging
from traceback import extract_tb
from typing import Final

from ..terminal import escape_unprintable

# They log requests and answers, signed URLs included, at DEBUG; Azure and SQLAlchemy at INFO.
_CHATTY: Final = (
    "aiobotocore",
    "aiosqlite",
    "azure",
    "botocore",
    "pymongo",
    "sqlalchemy",
    "urllib3",
)


class OneLine(logging.Formatter):
    """Formats an exception as its type and location.

    The message and the trace are left out: both can contain credentials and signed URLs.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Format the record without what `exc_info` would add."""
        message = record.getMessage()
        if "Traceback (most recent call last)" in message:
            # Litestar reports a failed start to uvicorn as a whole trace, framed by lines if it is
            # an exception group. The last line has the reason.
            message = message.rstrip("\n -+").rpartition("\n")[2].lstrip("| ")
        plain = logging.makeLogRecord(
            record.__dict__
            | {"msg": escape_unprintable(message), "args": None, "exc_info": None, "exc_text": None}
        )
        return super().format(plain) + _location(record)


def _location(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    exc = record.exc_info[1]
    frame = extract_tb(exc.__traceback__)[-1] if exc.__traceback__ else None
    where = f" in {frame.name}, {frame.filename}:{frame.lineno}" if frame else ""
    return f" [{type(exc).__name__}{where}]"


def log_config(level: str) -> dict[str, object]:
    """Return the logging configuration of the process, for `logging.config`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"one-line": {"()": OneLine}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "one-line"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            name: {"level": "ERROR" if level == "ERROR" else "WARNING"} for name in _CHATTY
        },
    }
