"""Title, description and settings of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import License

from .. import health, well_known
from ..api import batch_schemas, event_schemas, query_schemas, schemas, token_schemas
from ..companion import schemas as companion_schemas
from ..problems import schemas as problem_schemas
from ..security_headers import page_headers
from .document import ApiConfig
from .flow import TAGS
from .page import PagePlugin

# The ids in this text are shorter than real ones.
FLOW: Final = """\
Coordinate a multipart upload: the bytes go straight from the client to S3.

1. Start the upload with the size of the file, to get a part plan. `POST /api/start-upload`

       {"user_id": "alice", "filename": "film.mp4", "content_type": "video/mp4", "size": 17825792}

   answers

       {"upload_id": "3f0c", "key": "alice/3f0c.9/film.mp4", "part_size": 8388608, "part_count": 3,
        "status": "initiated", "expires_at": "2026-12-01T12:00:00Z"}

2. For every part, `GET /api/get-signed-url?upload_id=3f0c&key=alice/3f0c.9/film.mp4&part_number=1`
   answers `{"signed_url": "https://..."}`. PUT the bytes of the part there; S3 answers an `ETag`.

3. Report the part. `POST /api/upload-part`

       {"user_id": "alice", "upload_id": "3f0c", "key": "alice/3f0c.9/film.mp4",
        "part_number": 1, "etag": "9b2cf535f27731c974343645a3985328"}

4. After the last part, `POST /api/complete-upload`

       {"user_id": "alice", "upload_id": "3f0c", "key": "alice/3f0c.9/film.mp4"}

   answers `{"location": "https://...", "key": "alice/3f0c.9/film.mp4", "message": "..."}`.

`POST /api/get-signed-urls` signs and `POST /api/upload-parts` records up to 10,000 parts in one
request.

Every call can be repeated; start-upload needs an `Idempotency-Key` for that, otherwise it starts
another upload each time. Errors are RFC 9457 problem details with a `code` for programs.
"""


def openapi_config(version: str, max_parts: int, authentication: Sequence[str]) -> OpenAPIConfig:
    """Return the configuration of the OpenAPI document at `/docs`."""
    return ApiConfig(
        title="multipart-upload",
        version=version,
        description=FLOW,
        license=License(name="MIT", identifier="MIT"),
        tags=list(TAGS),
        render_plugins=[PagePlugin(), JsonRenderPlugin()],
        openapi_router=Router(
            "/docs",
            route_handlers=[],
            include_in_schema=False,
            response_headers=page_headers({"img-src": "data:", "style-src": "'self'"}),
        ),
        use_handler_docstrings=True,
        max_parts=max_parts,
        authentication=authentication,
        modules=(
            *(schemas, batch_schemas, event_schemas, query_schemas, token_schemas),
            *(problem_schemas, companion_schemas, health, well_known),
        ),
    )
