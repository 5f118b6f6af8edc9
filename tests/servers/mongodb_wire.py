"""Read messages of MongoDB's wire protocol, and hide the replica set in them."""

from __future__ import annotations

import asyncio
import struct
from typing import Final

import bson

_HEADER: Final = struct.Struct("<iiii")
_OP_REPLY: Final = 1
_OP_MSG: Final = 2013
# Offset of an answer's document: after flags, cursor and counts, or after flags and kind.
_BODY_AT: Final = {_OP_REPLY: 16 + 20, _OP_MSG: 16 + 5}
_OF_REPLICA_SETS: Final = ("setName", "setVersion", "hosts", "primary", "me", "secondary")


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """Read one message. Return empty bytes at the end of the stream."""
    try:
        header = await reader.readexactly(_HEADER.size)
        size = _HEADER.unpack(header)[0]
        return header + await reader.readexactly(size - _HEADER.size)
    except asyncio.IncompleteReadError:
        return b""


def without_replica_set(message: bytes) -> bytes:
    """Remove the replica set's fields from an answer to `hello`."""
    _, request_id, response_to, opcode = _HEADER.unpack_from(message)
    start = _BODY_AT.get(opcode)
    if start is None or b"setName\0" not in message:
        return message
    answer = bson.decode(message[start:])
    for field in _OF_REPLICA_SETS:
        answer.pop(field, None)
    rest = message[_HEADER.size : start] + bson.encode(answer)
    return _HEADER.pack(_HEADER.size + len(rest), request_id, response_to, opcode) + rest
