"""Measure this service and its peers, and write docs/performance."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from . import roster
from .load import measure_rate
from .measuring import Measurements, measure_round, start_upload
from .processes import LOAD_CORE, Server, run_server
from .report import Extra, write_report
from .roster import Peer
from .stub import STUB, stub_settings

HERE: Final = Path(__file__).parent
MONGO: Final = (sys.executable, "-m", "secantus", "--port", "{port}", "--storage-path", "mongo")


def main() -> None:
    """Run all measurements and write the report."""
    options = _options()
    # SIGTERM raises KeyboardInterrupt, so that the servers end with this process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Keep the load generator off the core of the servers.
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    with TemporaryDirectory() as name, _environment(Path(name)) as environment:
        folder = Path(name)
        found, extra = Measurements(), Extra(rounds=options.rounds, mongo=_mongo_name())
        with _servers(folder, environment) as servers:
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", flush=True)
                uri, backwards = environment["MONGO_URI"], bool(number % 2)
                measure_round(servers, uri, options.seconds, found, backwards=backwards)
        for _ in range(options.rounds):
            with _run_peer(roster.OURS, folder, environment) as server:
                extra.ready.append(server.seconds_to_ready)
        # Write before the soak too: it takes minutes and may be interrupted.
        write_report(options.output, found, extra)
        if options.soak:
            with _run_peer(roster.OURS, folder, environment) as server:
                _soak(server, options.soak, extra)
            write_report(options.output, found, extra)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="seconds per rate")
    parser.add_argument(
        "--soak", type=int, default=1_000_000, help="requests of the memory test; 0 skips it"
    )
    parser.add_argument("--output", type=Path, default=HERE.parent / "docs" / "performance")
    return parser.parse_args()


@contextmanager
def _environment(folder: Path) -> Iterator[Mapping[str, str]]:
    """Start the database and the S3 stub. Yield the environment variables of the peers."""
    with ExitStack() as stack:
        stub = stack.enter_context(run_server("stub", STUB, folder, {}, cores=LOAD_CORE))
        uri = os.environ.get("MONGO_URI")
        if uri is None:
            mongo = stack.enter_context(
                run_server("mongo", MONGO, folder, {}, cores=LOAD_CORE, ready=None)
            )
            uri = f"mongodb://127.0.0.1:{mongo.port}"
        yield {
            **stub_settings(stub.port),
            "MONGO_URI": uri,
            "DATA_FOLDER": str(folder),
            "NODE_ENV": "production",
        }


@contextmanager
def _servers(folder: Path, environment: Mapping[str, str]) -> Iterator[Mapping[str, Server]]:
    with ExitStack() as stack:
        yield {
            peer.name: stack.enter_context(_run_peer(peer, folder, environment))
            for peer in roster.ALL
            if peer is not roster.COMPANION or roster.HAS_COMPANION
        }


def _run_peer(
    peer: Peer, folder: Path, environment: Mapping[str, str]
) -> AbstractContextManager[Server]:
    return run_server(
        peer.name.replace(" ", "-"),
        peer.command,
        folder,
        environment,
        cores=peer.cores,
        ready=peer.ready,
    )


def _soak(server: Server, requests: int, extra: Extra) -> None:
    path = roster.OURS.sign_one(start_upload(roster.OURS, server))
    measure_rate(server, path, 5)
    extra.megabytes_before = server.megabytes
    done = 0.0
    while done < requests:
        done += measure_rate(server, path, 20).rate * 20
        print(f"  {done:,.0f} requests, {server.megabytes:.0f} MB", flush=True)
    extra.soaked, extra.megabytes_after = done, server.megabytes


def _mongo_name() -> str:
    if "MONGO_URI" in os.environ:
        return "the server of MONGO_URI"
    return f"secantusdb {version('secantusdb')}"


if __name__ == "__main__":
    main()
