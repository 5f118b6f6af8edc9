"""OpenTelemetry traces: a span for each request, and one for each call of a port.

The modules are imported only with TRACES=true. The instrumentations of ASGI and of clients would
record query strings, which have signed URLs on OBJECT_STORE=disk, and statements: these spans have
names only.
"""

from __future__ import annotations

from typing import Final

TRACE_ID: Final = "multipart_upload.trace_id"
"""Key of a request's ASGI scope with the id of its trace in hexadecimal, for the log."""
