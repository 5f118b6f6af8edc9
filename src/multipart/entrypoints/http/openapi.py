"""What `/docs` shows beside the routes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from litestar import MediaType
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import OpenAPIResponse, Operation
from msgspec import Struct

_FLOW: Final = """
Coordinate a multipart upload: the bytes go straight from the client to S3.

1. Start, with the file's size, to learn how to cut it. `POST /api/start-upload`

       {"user_id": "alice", "filename": "film.mp4", "content_type": "video/mp4", "size": 17825792}

   answers

       {"upload_id": "3f0c", "key": "alice/3f0c/film.mp4", "part_size": 8388608, "part_count": 3,
        "status": "initiated", "expires_at": "2026-12-01T12:00:00Z"}

2. For every part, `GET /api/get-signed-url?upload_id=3f0c&key=alice/3f0c/film.mp4&part_number=1`
   answers `{"signed_url": "https://..."}`. PUT the part's bytes there; S3 answers with an `ETag`.

3. Report it. `POST /api/upload-part`

       {"user_id": "alice", "upload_id": "3f0c", "key": "alice/3f0c/film.mp4",
        "part_number": 1, "etag": "9b2cf535f27731c974343645a3985328"}

4. When all are there, `POST /api/complete-upload`

       {"user_id": "alice", "upload_id": "3f0c", "key": "alice/3f0c/film.mp4"}

   answers `{"location": "https://...", "key": "alice/3f0c/film.mp4", "message": "..."}`.

Of many parts, `POST /api/get-signed-urls` signs and `POST /api/upload-parts` records up to 10,000
in one request.

Every call may be repeated. Errors are RFC 9457 problem details with a `code` for machines.
"""


class Problem(Struct, frozen=True):
    """An error, RFC 9457; some carry more members, such as `missing_parts`."""

    type: str
    title: str
    status: int
    detail: str
    code: str


_PROBLEMS: Final[Mapping[int, ResponseSpec]] = {
    status: ResponseSpec(
        data_container=Problem, description=description, media_type="application/problem+json"
    )
    for status, description in {
        400: "The body is not JSON.",
        404: "No such session: id, key and user do not belong together, or no part is anywhere.",
        409: "The session is in a state that does not allow this; `upload_status` says in which.",
        413: "The file or the body is too large.",
        422: "A field is wrong; `errors` names it.",
        503: "MongoDB or S3 is away; `Retry-After` says when to try again.",
    }.items()
}


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Document the errors that a route answers."""
    return {status: _PROBLEMS[status] for status in statuses}


@dataclass
class OwnOperation(Operation):
    """A route without the 400 that Litestar documents by itself: here wrong fields are 422."""

    def __post_init__(self) -> None:
        """Leave out what is not a problem of ours."""
        found = (self.responses or {}).get("400")
        if isinstance(found, OpenAPIResponse) and MediaType.JSON in (found.content or {}):
            self.responses = {
                status: response
                for status, response in (self.responses or {}).items()
                if status != "400"
            }


def openapi_config(version: str) -> OpenAPIConfig:
    """Describe the service at `/docs`."""
    return OpenAPIConfig(
        title="multipart-upload",
        version=version,
        description=_FLOW,
        path="/docs",
        render_plugins=[SwaggerRenderPlugin()],
        use_handler_docstrings=True,
    )
