"""Measure how long small requests wait while other clients send batches."""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, Final

from . import roster
from .load import fetch, post, send_each
from .measuring import ETAG, PART_SIZE, PARTS, start_upload
from .processes import LOAD_CORE, Server, run_server
from .stub import STUB, stub_settings

SIGNING_CLIENTS: Final = 16
RECORDING_CLIENTS: Final = 32
PAUSE_SECONDS: Final = 0.02


def main() -> None:
    """Measure, and print each figure with its target."""
    options = _options()
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    with TemporaryDirectory() as name, _service(Path(name)) as server:
        alone = send_each(server, [_sign_all(server)] * 10, 1)
        print(f"sign 10,000 alone: p50 {alone.p50:.0f} ms, CPU {alone.cpu / 1000:.0f} ms each")
        print("no other client:")
        _report("/health/live", _time_gets(server, options.seconds, "/health/live"), 0.05)
        with _load(server, SIGNING_CLIENTS, _sign_all):
            _report("/health/live", _time_gets(server, options.seconds, "/health/live"), 0.05)
            path = roster.OURS.sign_one(start_upload(roster.OURS, server))
            _report("single sign", _time_gets(server, options.seconds, path), 0.1)
        with _load(server, RECORDING_CLIENTS, _record_all):
            _report("/health/live", _time_gets(server, options.seconds, "/health/live"), 0.05)
            _report("start", _time_starts(server, options.seconds), 5, worst=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="seconds per measurement")
    return parser.parse_args()


@contextmanager
def _service(folder: Path) -> Iterator[Server]:
    """Run our service on SQLite and the S3 stub."""
    with ExitStack() as stack:
        stub = stack.enter_context(run_server("stub", STUB, folder, {}, cores=LOAD_CORE))
        settings = {
            **stub_settings(stub.port),
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/uploads.db",
        }
        yield stack.enter_context(run_server("ours", roster.SERVE, folder, settings))


def _sign_all(server: Server) -> bytes:
    fields = {**start_upload(roster.OURS, server).fields, "part_numbers": [f"1-{PARTS}"]}
    return post("/api/get-signed-urls", fields)


def _record_all(server: Server) -> bytes:
    parts = [{"part_number": n, "etag": ETAG, "size": PART_SIZE} for n in range(1, PARTS + 1)]
    fields = {**start_upload(roster.OURS, server).fields, "parts": parts}
    return post("/api/upload-parts", fields)


@contextmanager
def _load(server: Server, clients: int, request: Callable[[Server], bytes]) -> Iterator[None]:
    """Run clients that send batches, in a process with a lower priority than the probes."""
    requests = [request(server) for _ in range(clients)]
    print(f"{clients} clients, {len(requests[0]):,} bytes per request:", flush=True)
    process = multiprocessing.Process(target=_repeat, args=(server, requests), daemon=True)
    process.start()
    time.sleep(2)
    try:
        yield
    finally:
        process.kill()
        process.join()
    print()
    # Let the service finish the requests of the killed clients before the next load.
    fetch(server, requests[0])


def _repeat(server: Server, requests: Sequence[bytes]) -> None:
    os.nice(5)
    counts: Counter[int] = Counter()

    async def client(request: bytes) -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**24)
            writer.write(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            counts[int((await reader.readuntil(b"\r\n")).split()[1])] += 1
            while await reader.read(2**20):
                pass
            writer.close()
            print(f"\r  batches by status: {dict(counts)}", end="", flush=True)

    async def run_clients() -> None:
        await asyncio.gather(*map(client, requests))

    asyncio.run(run_clients())


def _time_gets(server: Server, seconds: float, path: str) -> list[float]:
    """Repeat a GET on one connection. Return the latencies."""
    return _time_requests(server, seconds, lambda connection: connection.request("GET", path))


def _time_starts(server: Server, seconds: float) -> list[float]:
    fields = {"user_id": "alice", "filename": "film.mp4", "content_type": "video/mp4"}
    headers = {"Content-Type": "application/json"}
    body = json.dumps(fields)
    return _time_requests(
        server,
        seconds,
        lambda connection: connection.request("POST", "/api/start-upload", body, headers),
    )


def _time_requests(
    server: Server, seconds: float, send: Callable[[HTTPConnection], Any]
) -> list[float]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    waited, begin = _seconds_without_core(server), time.perf_counter()
    latencies, end = [], begin + seconds
    while (begun := time.perf_counter()) < end:
        send(connection)
        response = connection.getresponse()
        response.read()
        latencies.append(time.perf_counter() - begun)
        if response.status != 200:
            print(f"  {response.status} after {latencies[-1]:.1f} s", flush=True)
        time.sleep(PAUSE_SECONDS)
    connection.close()
    share = (_seconds_without_core(server) - waited) / (time.perf_counter() - begin)
    print(f"\n  the server waited {share:.0%} of the time for its core", flush=True)
    return latencies


def _seconds_without_core(server: Server) -> float:
    """Return how long the server was runnable without a core; see Linux's sched-stats."""
    return int(Path(f"/proc/{server.pid}/schedstat").read_text().split()[1]) / 1e9


def _report(name: str, latencies: Sequence[float], target: float, *, worst: bool = False) -> None:
    cuts = quantiles(latencies, n=100) if len(latencies) > 1 else list(latencies) * 99
    actual = max(latencies) if worst else cuts[98]
    verdict = "holds" if actual < target else "MISSED"
    print(
        f"\n  {name}: p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms,"
        f" worst {max(latencies) * 1000:.1f} ms of {len(latencies)};"
        f" target {target * 1000:.0f} ms {'worst' if worst else 'p99'}: {verdict}",
        flush=True,
    )


if __name__ == "__main__":
    main()
