"""The XML of up to 10,000 parts, read and written without botocore's model of every element.

It takes a tenth of the time, which is the most of what a complete costs the service. The calls
stay botocore's own, with the same parameters and answers: only its events are listened to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape

from aiobotocore.session import AioSession

from .times import parsed_time

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef, PartTypeDef

_BEGIN: Final = b"<Part>"
_END: Final = b"</Part>"
_WRITTEN: Final = "multipart_upload.parts"


def use_part_xml(session: AioSession) -> None:
    """Have all clients of the session read and write parts by this module."""
    session.get_component("event_emitter").register_first("before-parse.s3.ListParts", _read)
    session.register("before-parameter-build.s3.CompleteMultipartUpload", _write)
    session.register("before-call.s3.CompleteMultipartUpload", _put)


def _read(response_dict: Any, customized_response_dict: Any, **_: Any) -> None:
    """Take the parts out of ListParts' answer, and leave the rest of it to botocore.

    So is an answer that is not as expected, to read or to refuse.
    """
    body: bytes = response_dict["body"]
    begin, end = body.find(_BEGIN), body.rfind(_END)
    if response_dict["status_code"] != HTTPStatus.OK or not 0 <= begin < end:
        return
    try:
        parts = list(_parts(body))
    except (ExpatError, KeyError, ValueError):
        return
    customized_response_dict["Parts"] = parts
    response_dict["body"] = body[:begin] + body[end + len(_END) :]


def _parts(body: bytes) -> Iterator[PartTypeDef]:
    for fields in _fields(body):
        yield {
            "PartNumber": int(fields["PartNumber"]),
            "ETag": fields["ETag"],
            "Size": int(fields["Size"]),
            "LastModified": parsed_time(fields["LastModified"]),
        }


def _fields(body: bytes) -> Sequence[dict[str, str]]:
    """Give each part's elements by name."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    text = ""

    def add_text(more: str) -> None:
        nonlocal text
        text += more

    def end_element(name: str) -> None:
        nonlocal fields, text
        if name == "Part":
            found.append(fields)
            fields = {}
        else:
            fields[name] = text.strip()
        text = ""

    parser = ParserCreate()
    parser.buffer_text = True
    parser.CharacterDataHandler = add_text
    parser.EndElementHandler = end_element
    parser.Parse(body, True)  # noqa: FBT003  # positional only: this is all of it
    return found


def _write(params: Any, context: Any, **_: Any) -> None:
    """Take the parts before botocore checks and writes each of them."""
    parts: Sequence[CompletedPartTypeDef] = params.pop("MultipartUpload")["Parts"]
    context[_WRITTEN] = "".join(
        (
            '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
            *(
                f"<Part><PartNumber>{part['PartNumber']}</PartNumber>"
                f"<ETag>{escape(part['ETag'])}</ETag></Part>"
                for part in parts
            ),
            "</CompleteMultipartUpload>",
        )
    ).encode()


def _put(params: Any, context: Any, **_: Any) -> None:
    """Send what was written as the body, the signature and the length being made later."""
    params["body"] = context[_WRITTEN]
