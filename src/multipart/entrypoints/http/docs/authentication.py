"""What authentication changes in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..auth.credentials import API_KEY_HEADER
from ..companion.errors import rewrite_problem
from ..example_values import REQUEST_ID
from ..problems.examples import AUTHENTICATION_EXAMPLES
from ..problems.handlers import MEDIA_TYPE

_SCHEMES: Final[Mapping[str, Mapping[str, str]]] = {
    "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "api-key": {"type": "apiKey", "in": "header", "name": API_KEY_HEADER},
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
_DESCRIPTIONS: Final = {
    401: "The request has no credentials, or they are not valid.",
    403: "The caller may not do this.",
}
_USER: Final = "user_id"


def add_authentication(document: dict[str, Any], methods: Sequence[str]) -> None:
    """Add the security schemes and the errors 401 and 403, and make `user_id` optional.

    `methods` are those of AUTH; without any, callers must name the user.
    """
    if not methods:
        _require_listed_user(document)
        return
    schemes = {method: _SCHEMES[method] for method in methods if method in _SCHEMES}
    if schemes:
        document["components"]["securitySchemes"] = schemes
    for path, operations in document["paths"].items():
        if path.startswith(("/api/", "/s3/")):
            for operation in operations.values():
                operation["security"] = [{name: []} for name in schemes]
                _add_errors(operation, is_companion=path.startswith("/s3/"))
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("Request"):
            schema["required"] = [field for field in schema["required"] if field != _USER]


def _require_listed_user(document: Mapping[str, Any]) -> None:
    for parameter in document["paths"]["/api/uploads"]["get"]["parameters"]:
        if parameter["name"] == _USER:
            parameter["required"] = True


def _add_errors(operation: dict[str, Any], *, is_companion: bool) -> None:
    responses = operation["responses"]
    # An error that the route has already in its own form: 422 of /api, 400 of /s3.
    known = responses["400" if is_companion else "422"]
    ((media_type, content),) = known["content"].items()
    for status, description in _DESCRIPTIONS.items():
        named = {
            found.error.code: {
                "summary": str(found.error),
                "value": rewrite_problem(found.content, REQUEST_ID)
                if media_type != MEDIA_TYPE
                else found.content,
            }
            for found in AUTHENTICATION_EXAMPLES
            if found.status == status
            and (found.operations is None or operation["operationId"] in found.operations)
        }
        others = responses.get(str(status), {"content": {media_type: {}}})
        examples = {**named, **others["content"][media_type].get("examples", {})}
        responses[str(status)] = {
            **known,
            "description": description,
            "content": {media_type: {"schema": content["schema"], "examples": examples}},
        }
    operation["responses"] = dict(sorted(responses.items()))
