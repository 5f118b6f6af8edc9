"""Read ListParts and write CompleteMultipartUpload faster than botocore does.

Both have up to 10,000 parts, and botocore walks its model of S3 for each element of each. Listing
and completing 10,000 parts takes 0.2 s of CPU time with this module and 1.6 s without it (Python
3.11, a busy machine). The calls stay botocore's, with the same parameters and results: this module
only handles its events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape

from aiobotocore.session import AioSession
from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef, PartTypeDef

_FIRST_TAG: Final = b"<Part>"
_LAST_TAG: Final = b"</Part>"
_CONTEXT_KEY: Final = "multipart_upload.parts"


def use_fast_parsing(session: AioSession) -> None:
    """Make every client of the session read and write parts by this module."""
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=parse_time)
    emitter = session.get_component("event_emitter")
    emitter.register_first("before-parse.s3.ListParts", _read_parts)
    session.register("before-parameter-build.s3.CompleteMultipartUpload", _write_parts)
    session.register("before-call.s3.CompleteMultipartUpload", _set_body)


def parse_time(value: str) -> datetime:
    """Read a time that S3 wrote; botocore tries one format after another, which is slow."""
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return parse_timestamp(value)


def _read_parts(response_dict: Any, customized_response_dict: Any, **_: Any) -> None:
    """Move the parts from the body of ListParts to the result, and leave the rest to botocore.

    A body of another form stays whole: botocore reads or refuses it.
    """
    body: bytes = response_dict["body"]
    start, end = body.find(_FIRST_TAG), body.rfind(_LAST_TAG)
    if response_dict["status_code"] != HTTPStatus.OK or not 0 <= start < end:
        return
    try:
        parts = list(_parse_parts(body))
    except (ExpatError, KeyError, ValueError):
        return
    customized_response_dict["Parts"] = parts
    response_dict["body"] = body[:start] + body[end + len(_LAST_TAG) :]


def _parse_parts(body: bytes) -> Iterator[PartTypeDef]:
    for fields in _parse_fields(body):
        yield {
            "PartNumber": int(fields["PartNumber"]),
            "ETag": fields["ETag"],
            "Size": int(fields["Size"]),
            "LastModified": parse_time(fields["LastModified"]),
        }


def _parse_fields(body: bytes) -> Sequence[dict[str, str]]:
    """Return the elements of each part by name."""
    parts: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    text = ""

    def add_text(more: str) -> None:
        nonlocal text
        text += more

    def end_element(name: str) -> None:
        nonlocal fields, text
        if name == "Part":
            parts.append(fields)
            fields = {}
        else:
            fields[name] = text.strip()
        text = ""

    parser = ParserCreate()
    parser.buffer_text = True
    parser.CharacterDataHandler = add_text
    parser.EndElementHandler = end_element
    parser.Parse(body, True)  # noqa: FBT003  # positional only: the body is complete
    return parts


def _write_parts(params: Any, context: Any, **_: Any) -> None:
    """Take the parts out of the parameters before botocore validates and serializes them."""
    parts: Sequence[CompletedPartTypeDef] = params.pop("MultipartUpload")["Parts"]
    elements = "".join(
        f"<Part><PartNumber>{part['PartNumber']}</PartNumber>"
        f"<ETag>{escape(part['ETag'])}</ETag></Part>"
        for part in parts
    )
    context[_CONTEXT_KEY] = (
        '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"{elements}</CompleteMultipartUpload>"
    ).encode()


def _set_body(params: Any, context: Any, **_: Any) -> None:
    """Make the parts the body, before botocore computes its length and signature."""
    params["body"] = context[_CONTEXT_KEY]
