"""Logging to standard error: one line per event, without stack traces."""

from __future__ import annotations

import logging
from traceback import extract_tb
from typing import Final

from ..http.request_id import current_request_id
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
        plain = strip_trace(record)
        plain.msg = escape_unprintable(plain.msg)
        return "".join([super().format(plain), _request(record), _location(record)])


def strip_trace(record: logging.LogRecord) -> logging.LogRecord:
    """Copy a record without its exception, and without the trace that its message may have."""
    message = record.getMessage()
    if "Traceback (most recent call last)" in message:
        # Litestar reports a failed start to uvicorn as a whole trace, framed by lines if it is an
        # exception group. The last line has the reason.
        message = message.rstrip("\n -+").rpartition("\n")[2].lstrip("| ")
    changes = {"msg": message, "args": None, "exc_info": None, "exc_text": None, "stack_info": None}
    return logging.makeLogRecord(record.__dict__ | changes)


def describe_error(record: logging.LogRecord) -> str | None:
    """Return the type and location of the exception of a record, None if it has none."""
    if not record.exc_info or record.exc_info[1] is None:
        return None
    exc = record.exc_info[1]
    frame = extract_tb(exc.__traceback__)[-1] if exc.__traceback__ else None
    where = f" in {frame.name}, {frame.filename}:{frame.lineno}" if frame else ""
    return f"{type(exc).__name__}{where}"


def _location(record: logging.LogRecord) -> str:
    error = describe_error(record)
    return "" if error is None else f" [{error}]"


def _request(record: logging.LogRecord) -> str:
    """Name the request that changed an upload; other messages name theirs."""
    request_id = current_request_id() if hasattr(record, "upload_id") else None
    return "" if request_id is None else f" [request {request_id}]"


def log_config(level: str, form: str = "text") -> dict[str, object]:
    """Return the logging configuration of the process, for `logging.config`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {form: {"()": _formatter(form)}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            name: {"level": "ERROR" if level == "ERROR" else "WARNING"} for name in _CHATTY
        },
    }


def _formatter(form: str) -> type[logging.Formatter]:
    if form != "json":
        return OneLine
    from .json_logs import JsonLine  # noqa: PLC0415  # structlog is only needed here

    return JsonLine
