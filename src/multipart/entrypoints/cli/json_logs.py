"""Logging as JSON: one object per line."""

from __future__ import annotations

import logging
from typing import Final

from structlog.processors import EventRenamer, JSONRenderer, TimeStamper
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, WrappedLogger

from ..http.request_id import current_request_id, current_trace_id
from .logs import describe_error, strip_trace

# Other attributes of a record may hold anything: an error of a library, or its request.
_MEMBERS: Final = ("upload_id", "user_id", "from_state", "to_state", "error")


class JsonLine(ProcessorFormatter):
    """Formats a record as a JSON object with the request it belongs to.

    An exception is its type and location: its text can contain credentials and signed URLs.
    """

    def __init__(self) -> None:
        super().__init__(
            foreign_pre_chain=[
                add_log_level,
                add_logger_name,
                ExtraAdder(allow=_MEMBERS),
                _add_ids,
                TimeStamper(fmt="iso"),
            ],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                EventRenamer("message"),
                JSONRenderer(),
            ],
        )

    def format(self, record: logging.LogRecord) -> str:
        """Format the record without what `exc_info` would add."""
        plain = strip_trace(record)
        if (error := describe_error(record)) is not None:
            plain.error = error
        return super().format(plain)


def _add_ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if (request_id := current_request_id()) is not None:
        event["request_id"] = request_id
    if (trace_id := current_trace_id()) is not None:
        event["trace_id"] = trace_id
    return event
