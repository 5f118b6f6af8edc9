"""Fixtures that provide a MongoDB server, a real one if available."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import pytest
from pymongo import MongoClient

from .mongodb_docker import docker
from .mongodb_kinds import MongoServer, external, mongod, secantusdb
from .used import note_used

STARTABLE: Final[tuple[Callable[[Path], MongoServer | None], ...]] = (mongod, docker, secantusdb)


def with_database(uri: str, database: str) -> str:
    """Set the database of a URI and keep the database that it authenticates against."""
    parts = urlsplit(uri)
    options = dict(parse_qsl(parts.query))
    if "@" in parts.netloc:
        options.setdefault("authSource", parts.path.strip("/") or "admin")
    return parts._replace(path=f"/{database}", query=urlencode(options)).geturl()


@pytest.fixture(scope="session")
def mongo_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MongoServer]:
    """Provide the MongoDB server of the test run."""
    yield from _started((external, *STARTABLE), tmp_path_factory, request.config)


@pytest.fixture
def mongo_uri(mongo_server: MongoServer) -> Iterator[str]:
    """Provide the URI of a database that no other test uses."""
    database = f"test_{uuid4().hex}"
    uri = with_database(mongo_server.uri, database)
    yield uri
    mongo_server.start()
    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    with client:
        client.drop_database(database)


@pytest.fixture
def own_mongo_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MongoServer]:
    """Provide a server that the test may stop and kill, never the server of MONGO_URI."""
    yield from _started(STARTABLE, tmp_path_factory, request.config)


def _started(
    kinds: tuple[Callable[[Path], MongoServer | None], ...],
    folders: pytest.TempPathFactory,
    config: pytest.Config,
) -> Iterator[MongoServer]:
    folder = folders.mktemp("mongodb")
    server = next(filter(None, (kind(folder) for kind in kinds)), None)
    if server is None:
        _missing()
    server.start()
    note_used(config, f"MongoDB server: {server.name}")
    yield server
    server.discard()


def _missing() -> NoReturn:
    reason = "no MongoDB server: no MONGO_URI, mongod, Docker daemon or secantusdb"
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
