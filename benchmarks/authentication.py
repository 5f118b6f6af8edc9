"""Measure what authentication costs: sign one part with AUTH=none, a JWT and an API key."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from subprocess import run
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from . import roster
from .load import measure_rate
from .processes import LOAD_CORE, Server, run_server
from .stub import STUB, stub_settings

TARGET: Final = 0.8
_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True, slots=True)
class Caller:
    """A service, an upload there, and the headers of its client."""

    server: Server
    path: str
    headers: Mapping[str, str]


def main() -> None:
    """Alternate between the services, and print each rate and its ratio to AUTH=none."""
    options = _options()
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    with TemporaryDirectory() as name, _callers(Path(name)) as callers:
        rates: dict[str, list[float]] = {method: [] for method in callers}
        for _ in range(options.rounds):
            for method, caller in callers.items():
                sample = measure_rate(
                    caller.server, caller.path, options.seconds, headers=caller.headers
                )
                rates[method].append(sample.rate)
    without = median(rates["none"])
    for method, found in rates.items():
        ratio = median(found) / without
        print(f"AUTH={method}: {median(found):,.0f}/s, {ratio:.2f} of AUTH=none (target {TARGET})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.authentication", description=__doc__
    )
    parser.add_argument("--seconds", type=float, default=5, help="seconds per measurement")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each service")
    return parser.parse_args()


@contextmanager
def _callers(folder: Path) -> Iterator[Mapping[str, Caller]]:
    public = json.loads(RSAAlgorithm.to_jwk(_KEY.public_key()))
    (folder / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "1", "use": "sig"}]}))
    settings = {
        "AUTH_JWKS_URL": str(folder / "jwks.json"),
        "AUTH_JWT_ISSUER": "https://login.example.org",
        "AUTH_JWT_AUDIENCE": "uploads",
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/uploads.db",
    }
    with ExitStack() as stack:
        stub = stack.enter_context(run_server("stub", STUB, folder, {}, cores=LOAD_CORE))
        settings |= stub_settings(stub.port)
        found = {}
        for method in ("none", "jwt", "api-key"):
            chosen = {**settings, "AUTH": method}
            server = stack.enter_context(run_server(method, roster.SERVE, folder, chosen))
            headers = (
                {} if method == "none" else {"Authorization": f"Bearer {_secret(method, chosen)}"}
            )
            found[method] = Caller(server, _start(server, headers), headers)
        yield found


def _secret(method: str, settings: Mapping[str, str]) -> str:
    if method == "jwt":
        claims = {
            "sub": "alice",
            "iss": settings["AUTH_JWT_ISSUER"],
            "aud": settings["AUTH_JWT_AUDIENCE"],
            "exp": time.time() + 24 * 3600,
        }
        return jwt.encode(claims, _KEY, algorithm="RS256", headers={"kid": "1"})
    create = [roster.SERVE[0], "keys", "create", "--user", "alice"]
    done = run(create, env={**os.environ, **settings}, capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def _start(server: Server, headers: Mapping[str, str]) -> str:
    """Start an upload of alice, and return the path that signs its first part."""
    connection = HTTPConnection("127.0.0.1", server.port)
    fields = {"user_id": "alice", "filename": "film.mp4", "content_type": "video/mp4"}
    sent = {"Content-Type": "application/json", **headers}
    connection.request("POST", "/api/start-upload", json.dumps(fields), sent)
    started = json.loads(connection.getresponse().read())
    connection.close()
    query = {"upload_id": started["upload_id"], "key": started["key"], "part_number": 1}
    return f"/api/get-signed-url?{urlencode(query)}"


if __name__ == "__main__":
    main()
