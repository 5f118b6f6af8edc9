"""Two load generators: wrk for rates, and one of our own for a fixed list of requests."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import quantiles

from .processes import LOAD_CORE, Server

CONNECTIONS = 16
_PERCENTILES = """
done = function(summary, latency, requests)
  io.write(string.format("%d %d %d %.0f %.0f %.0f\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: requests per second, latencies in ms, and CPU time per request in us."""

    rate: float
    p50: float
    p99: float
    p99_9: float
    cpu: float


def measure_rate(
    server: Server,
    path: str,
    seconds: float,
    connections: int = CONNECTIONS,
    headers: Mapping[str, str] | None = None,
) -> Sample:
    """Repeat a GET with wrk for some seconds."""
    script = "/dev/stdin"
    before = server.cpu_seconds
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s"]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run(  # wrk
        [*command, "-s", script, f"http://127.0.0.1:{server.port}{path}"],
        input=_PERCENTILES,
        capture_output=True,
        text=True,
        check=True,
    )
    last = done.stdout.strip().splitlines()[-1]
    requests, micros, errors, p50, p99, p99_9 = map(int, last.split())
    if errors:
        msg = f"{errors} errors on {path}"
        raise RuntimeError(msg)
    cpu = (server.cpu_seconds - before) / requests * 1e6
    return Sample(requests / micros * 1e6, p50 / 1e3, p99 / 1e3, p99_9 / 1e3, cpu)


def get(path: str) -> bytes:
    """Return the bytes of a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def post(path: str, fields: object) -> bytes:
    """Return the bytes of a POST request with a JSON body."""
    body = json.dumps(fields, separators=(",", ":")).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def send_each(server: Server, requests: Iterable[bytes], connections: int) -> Sample:
    """Send each request once, over this many parallel connections."""
    latencies: list[float] = []
    pending = iter(requests)
    before, begun = server.cpu_seconds, time.perf_counter()

    async def run_clients() -> None:
        await asyncio.gather(*(_client(server, pending, latencies) for _ in range(connections)))

    asyncio.run(run_clients())
    seconds, count = time.perf_counter() - begun, len(latencies)
    cuts = quantiles(latencies, n=1000) if count > 1 else latencies * 999
    cpu = (server.cpu_seconds - before) / count * 1e6
    return Sample(count / seconds, *(cuts[at - 1] * 1e3 for at in (500, 990, 999)), cpu)


def fetch(server: Server, request: bytes) -> bytes:
    """Send one request and return the body of its response."""
    return asyncio.run(_once(server, request))


async def _once(server: Server, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**24)
    body = await _exchange(reader, writer, request)
    writer.close()
    return body


async def _client(server: Server, pending: Iterator[bytes], latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**24)
    for request in pending:
        begun = time.perf_counter()
        await _exchange(reader, writer, request)
        latencies.append(time.perf_counter() - begun)
    writer.close()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> bytes:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    if length is not None:
        body = await reader.readexactly(int(length[1]))
    else:
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    if not head.startswith(b"HTTP/1.1 200"):
        msg = f"{head[:100]!r} {body[:300]!r}"
        raise RuntimeError(msg)
    return body
