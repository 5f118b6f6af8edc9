"""The container wires the use cases to the ports that are open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from dependency_injector import providers

from multipart_upload.adapters.clock import SystemClock
from multipart_upload.application.ports import SessionRepository
from multipart_upload.application.sign_parts import SignParts
from multipart_upload.application.start_upload import StartUpload
from multipart_upload.application.sweep.sweep_uploads import SweepUploads
from multipart_upload.container import USE_CASES, Container, check_adapters, open_use_cases
from multipart_upload.settings import Settings
from multipart_upload.testing.memory import MemoryObjectStore, MemorySessionRepository

from .service import new_upload

SECRET: Final = "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cy0wMTIzNDU2Nzg5YWI="


@asynccontextmanager
async def open_memory() -> AsyncIterator[SessionRepository]:
    yield MemorySessionRepository(SystemClock())


def container_in_memory() -> Container:
    container = Container(settings=Settings(_env_file=None, s3_bucket_name="bucket"))
    container.sessions.override(providers.Resource(open_memory))
    container.store.override(providers.Object(MemoryObjectStore(SystemClock())))
    return container


async def test_use_cases_are_found_by_class_and_by_name() -> None:
    async with open_use_cases(container_in_memory()) as cases:
        assert set(cases.by_name) == set(USE_CASES)
        assert cases.get(SignParts) is cases.by_name["sign_parts"]


async def test_a_reopened_container_uses_the_ports_opened_last() -> None:
    container = container_in_memory()
    async with open_use_cases(container) as cases:
        await cases.get(StartUpload)(new_upload())
    async with open_use_cases(container) as cases:
        session = await cases.get(StartUpload)(new_upload())
        sweep = cases.get(SweepUploads)
        assert session == await sweep.sessions.get(session.id)
        assert sweep.sessions is sweep.sweep_session.sessions


@pytest.mark.parametrize(
    "wanted",
    [
        {"auth": "api-key"},
        {"quota_open_bytes": 1},
        {"webhook_url": "https://example.org/", "webhook_secret": SECRET},
    ],
    ids=["API keys", "quotas", "webhooks"],
)
def test_repositories_of_other_packages_store_sessions_only(
    wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multipart_upload.session_database.load_adapter", lambda *_: None)
    settings = Settings(
        _env_file=None, s3_bucket_name="bucket", session_repository="mine", **wanted
    )

    with pytest.raises(ValueError, match="because SESSION_REPOSITORY stores"):
        check_adapters(settings)
