"""Messages of MongoDB's wire protocol, and how a server without a replica set would write them."""

from __future__ import annotations

import asyncio
import struct
from typing import Final

import bson

_HEADER: Final = struct.Struct("<iiii")
_OP_REPLY: Final = 1
_OP_MSG: Final = 2013
# Where the document of an answer begins: behind flags, cursor and counts, or flags and kind.
_BODY_AT: Final = {_OP_REPLY: 16 + 20, _OP_MSG: 16 + 5}
_OF_REPLICA_SETS: Final = ("setName", "setVersion", "hosts", "primary", "me", "secondary")


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """Read one whole message; empty at the end of the stream."""
    try:
        header = await reader.readexactly(_HEADER.size)
        size = _HEADER.unpack(header)[0]
        return header + await reader.readexactly(size - _HEADER.size)
    except asyncio.IncompleteReadError:
        return b""


def without_replica_set(message: bytes) -> bytes:
    """Take out of an answer to `hello` that the server is a member of a replica set."""
    _, request_id, response_to, opcode = _HEADER.unpack_from(message)
    start = _BODY_AT.get(opcode)
    if start is None or b"setName\0" not in message:
        return message
    answer = bson.decode(message[start:])
    for field in _OF_REPLICA_SETS:
        answer.pop(field, None)
    rest = message[_HEADER.size : start] + bson.encode(answer)
    return _HEADER.pack(_HEADER.size + len(rest), request_id, response_to, opcode) + rest
