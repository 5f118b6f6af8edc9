"""Mutations of valid requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

_TOKENS: Final = (
    b"\x00",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b" ",
    b"\t",
    b":",
    b"%",
    b"%00",
    b"%ff",
    b"%2f..",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "é\u202e".encode(),
    b"HTTP/1.0",
    b"HTTP/9.9",
    b"GET http://other/ HTTP/1.1\r\n",
    b"\r\nHost: other:port:x",
    b"\r\nHost: [::1",
    b"\r\nContent-Length: -1",
    b"\r\nContent-Length: 18446744073709551616",
    b"\r\nTransfer-Encoding: chunked",
    b"\r\nExpect: 100-continue",
    b"\r\nUpgrade: websocket\r\nConnection: Upgrade",
    b"\r\nIdempotency-Key: x",
    b"\r\nX-Request-ID: \x1b[31m",
    b"\r\nOrigin: null",
    b"\r\nCookie: a=\xff; b",
    b"\r\nContent-Type: application/json; charset=utf-16",
    b"\r\nContent-Type: multipart/form-data; boundary=x",
    b"\r\nContent-Encoding: gzip",
)
_VALUES: Final[Sequence[Any]] = (
    None,
    True,
    -1,
    0,
    1.5,
    10_001,
    2**63,
    -(2**63) - 1,
    10**400,
    1e308,
    "",
    " ",
    "\x00",
    "\ud800",
    "\u202e\u2028",
    "é" * 200,
    "🦀" * 64,
    "x" * 5_000,
    "../..",
    "NaN",
    "2026-01-01T00:00:00Z",
    [],
    [[[[]]]],
    {},
    {"": {"": [None]}},
    ["1-3", "3-1", 0],
    [{"part_number": 1, "etag": "x"}] * 3,
)
_LITERALS: Final = (b"NaN", b"Infinity", b"1e400", b"01", b"'", b"{", b"]" * 3, b"[" * 3_000)


def mutate_bytes(random: Random, request: bytes, others: Sequence[bytes]) -> bytes:
    """Change a request in a few random places."""
    changed = bytearray(request)
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(changed))
        end = min(len(changed), at + random.randint(1, 12))
        match random.randrange(6):
            case 0:
                changed[at:at] = random.choice(_TOKENS)
            case 1:
                del changed[at:end]
            case 2:
                changed[at:end] = random.randbytes(end - at)
            case 3:
                changed[at:at] = changed[at:end] * random.randint(1, 40)
            case 4:
                del changed[at:]
            case _:
                other = random.choice(others)
                changed[at:] = other[random.randint(0, len(other)) :]
    return bytes(changed)


def mutate_json(random: Random, body: Any) -> bytes:
    """Change values, names or bytes of a JSON body."""
    changed = json.loads(json.dumps(body))
    for _ in range(random.randint(1, 3)):
        changed = _with_another_value(random, changed)
    text = json.dumps(changed).encode()
    at = random.randint(0, len(text))
    match random.randrange(5):
        case 0:
            return text[:at] + random.choice((*_TOKENS, *_LITERALS)) + text[at:]
        case 1:
            return text[:at] + text[at + random.randint(1, 5) :]
        case _:
            return text


def _with_another_value(random: Random, value: Any) -> Any:
    is_leaf = not isinstance(value, dict | list) or not value
    if is_leaf or random.random() < 0.2:
        return random.choice(_VALUES)
    if isinstance(value, list):
        at = random.randrange(len(value))
        return [*value[:at], _with_another_value(random, value[at]), *value[at + 1 :]]
    name = random.choice(list(value))
    rest = {key: inner for key, inner in value.items() if key != name or random.random() < 0.9}
    if random.random() < 0.2:
        return {**rest, random.choice(("", "\x00", "__proto__", name * 9)): value[name]}
    return {**rest, name: _with_another_value(random, value[name])}


def mutate_query(random: Random, query: dict[str, str]) -> bytes:
    """Change, repeat, drop or corrupt parameters. Return the query string with its `?`."""
    pairs = [*query.items()]
    for _ in range(random.randint(1, 3)):
        name = random.choice([*query, "limit", "cursor", "status", "created_from", "metadata[a]"])
        value = random.choice(_VALUES)
        pairs.append((name, value if isinstance(value, str) else json.dumps(value)))
    random.shuffle(pairs)
    kept = [pair for pair in pairs if random.random() < 0.9]
    written = urlencode(kept, errors="surrogatepass").encode()
    at = random.randint(0, len(written))
    if random.random() < 0.5:
        odd = random.choice(
            (b"%", b"%zz", b"%ff", b"%00", b"&&", b"==", b";", b"+", b"[", b"?", b"#")
        )
        written = written[:at] + odd + written[at:]
    return b"?" + written


def request(method: str, target: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    """Return the bytes of a request with `Connection: close`."""
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: test", b"Connection: close"]
    if body:
        lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, *headers, b"", body])
