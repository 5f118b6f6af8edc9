"""The cases, measured in rounds in which the peers alternate."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pymongo import MongoClient

from . import roster
from .load import Sample, fetch, get, measure_rate, post, send_each
from .processes import Server
from .roster import Peer, Upload

ETAG: Final = '"d41d8cd98f00b204e9800998ecf8427e"'
PART_SIZE: Final = 8 * 2**20
PARTS: Final = 10_000
RECORDS: Final = 100
"""Parts recorded per measurement, over four connections, as a browser opens."""
BATCHES: Final[Mapping[int, int]] = {100: 20, 1000: 5, 10_000: 1}
"""Requests per measurement, by the size of the batch."""
POSITIONS: Final = (1, 1000, PARTS)


@dataclass(slots=True)
class Measurements:
    """The samples by case and peer, one per round."""

    samples: dict[str, dict[str, list[Sample]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, case: str, peer: str, sample: Sample) -> None:
        """Store a sample and print it."""
        self.samples[case][peer].append(sample)
        print(f"  {case}, {peer}: {sample.rate:,.4g}/s, CPU {sample.cpu:,.0f} us", flush=True)


def measure_round(
    servers: Mapping[str, Server],
    mongo_uri: str,
    seconds: float,
    found: Measurements,
    *,
    backwards: bool,
) -> None:
    """Measure every case on every peer; every other round reverses the order of peers."""
    peers = [peer for peer in roster.ALL if peer.name in servers]
    peers = peers[::-1] if backwards else peers
    for peer in peers:
        path = peer.sign_one(start_upload(peer, servers[peer.name]))
        found.add("sign one", peer.name, measure_rate(servers[peer.name], path, seconds))
    for size, times in BATCHES.items():
        for peer in peers:
            if peer.sign_many is not None:
                sample = _batch(peer, servers[peer.name], size, times)
                found.add(f"sign {size:,} in one request", peer.name, sample)
    for peer in peers:
        if peer in {roster.OURS, roster.USUAL, roster.BARE}:
            sample = _records(peer, servers[peer.name], 1, mongo_uri)
            found.add("record one", peer.name, sample)
    for position in POSITIONS:
        for peer in peers:
            if peer in {roster.OURS, roster.USUAL}:
                sample = _records(peer, servers[peer.name], position, mongo_uri)
                found.add(f"record at part {position:,}", peer.name, sample)
    ours = servers[roster.OURS.name]
    upload = start_upload(roster.OURS, ours)
    found.add("record 10,000 in one request", "ours", send_each(ours, [_all(upload, PARTS)], 1))
    complete = post("/api/complete-upload", upload.fields)
    found.add("complete 10,000 parts", "ours", send_each(ours, [complete], 1))


def start_upload(peer: Peer, server: Server) -> Upload:
    """Start an upload; peers without stored uploads get a made-up one."""
    if peer in {roster.COMPANION, roster.LITESTAR, roster.BARE}:
        return Upload("0" * 32, f"alice/{'0' * 32}/film.mp4")
    fields = {"user_id": "alice", "filename": "film.mp4", "content_type": "video/mp4"}
    made = json.loads(fetch(server, post("/api/start-upload", fields)))
    return Upload(made["upload_id"], made["key"])


def _batch(peer: Peer, server: Server, size: int, times: int) -> Sample:
    if peer.sign_many is None:
        raise ValueError(peer.name)
    path, fields = peer.sign_many(start_upload(peer, server), size)
    request = get(path) if fields is None else post(path, fields)
    return send_each(server, [request] * times, 1)


def _records(peer: Peer, server: Server, position: int, mongo_uri: str) -> Sample:
    upload = start_upload(peer, server)
    first = min(position, PARTS - RECORDS + 1)
    if peer is roster.OURS and first > 1:
        fetch(server, _all(upload, first - 1))
    elif peer is roster.USUAL and first > 1:
        _push(mongo_uri, upload, first - 1)
    reports = (_report(upload, number) for number in range(first, first + RECORDS))
    return send_each(server, reports, 4)


def _push(mongo_uri: str, upload: Upload, parts: int) -> None:
    """Fill the peer's array of parts directly: one request per part takes minutes."""
    array = [{"PartNumber": number, "ETag": ETAG} for number in range(1, parts + 1)]
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        uploads = client.get_default_database("usual")["uploads"]
        uploads.update_one({"_id": upload.upload_id}, {"$set": {"parts": array}})


def _all(upload: Upload, parts: int) -> bytes:
    reports = [
        {"part_number": number, "etag": ETAG, "size": PART_SIZE} for number in range(1, parts + 1)
    ]
    return post("/api/upload-parts", {**upload.fields, "parts": reports})


def _report(upload: Upload, number: int) -> bytes:
    fields = {**upload.fields, "part_number": number, "etag": ETAG, "size": PART_SIZE}
    return post("/api/upload-part", fields)
