"""Dependency injection: the adapters behind the ports, and the use cases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from inspect import isawaitable
from typing import Final, TypeVar

from dependency_injector import containers, providers

from .adapters.clock import SystemClock
from .adapters.s3 import S3Config, ensure_bucket, open_s3_store
from .adapters.s3.cors import apply_cors
from .adapters.s3.cors_check import CorsReport, check_cors
from .adapters.s3.presigner import public_origin
from .application.abort_upload import AbortUpload
from .application.check_lifecycle import CheckLifecycle
from .application.check_readiness import CheckReadiness
from .application.complete_upload import CompleteUpload
from .application.list_parts import LARGE_LISTS_AT_ONCE, ListParts
from .application.list_sessions import ListSessions
from .application.open_store_upload import OpenStoreUpload
from .application.ports import ObjectStore, SessionRepository
from .application.record_parts import RecordParts
from .application.session_cache import SessionCache
from .application.sign_parts import SignParts
from .application.sign_single_upload import SignSingleUpload
from .application.start_upload import StartUpload
from .application.sweep.sweep_session import SweepSession
from .application.sweep.sweep_store import SweepStore
from .application.sweep.sweep_uploads import SweepUploads
from .application.upload_status import GetUploadStatus
from .domain.object_key import common_prefix
from .domain.policy import UploadPolicy
from .plugins import OBJECT_STORES, load_adapter
from .session_database import choose_database
from .settings import Settings

T = TypeVar("T")


def upload_policy(settings: Settings) -> UploadPolicy:
    """Build the policy of the domain from the settings."""
    return UploadPolicy(
        key_prefix=settings.s3_key_prefix,
        max_size=settings.max_upload_size,
        max_parts=settings.s3_max_parts,
        expiry=timedelta(seconds=settings.upload_expiry_seconds),
        max_age=timedelta(seconds=settings.max_upload_age_seconds),
        url_lifetime=timedelta(seconds=settings.signed_url_seconds),
        lease=timedelta(seconds=settings.lease_seconds),
        wait=timedelta(seconds=settings.wait_seconds),
        grace=timedelta(seconds=settings.sweep_grace_seconds),
        retention=timedelta(seconds=settings.retention_seconds),
    )


def s3_config(settings: Settings) -> S3Config:
    """Build the configuration of the S3 adapter from the settings."""
    secret, token = settings.aws_secret_access_key, settings.aws_session_token
    return S3Config(
        bucket=settings.s3_bucket_name,
        region=settings.aws_region,
        access_key_id=settings.aws_access_key_id,
        secret_access_key=secret.get_secret_value() if secret else None,
        session_token=token.get_secret_value() if token else None,
        endpoint_url=settings.s3_endpoint_url,
        public_endpoint_url=settings.s3_public_endpoint_url,
    )


def check_adapters(settings: Settings) -> None:
    """Raise ValueError, naming the setting, if an adapter or the database can never open."""
    if settings.object_store is not None:
        load_adapter(OBJECT_STORES, settings.object_store)
    choose_database(settings)


def open_sessions(settings: Settings) -> AbstractAsyncContextManager[SessionRepository]:
    """Open the database that the settings choose."""
    return choose_database(settings).open()


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[ObjectStore]:
    """Open OBJECT_STORE if set, else the bucket."""
    if settings.object_store is not None:
        async with load_adapter(OBJECT_STORES, settings.object_store)() as store:
            yield store
        return
    async with open_s3_store(s3_config(settings)) as store:
        yield store


async def make_bucket(settings: Settings, allowed_origins: Sequence[str]) -> None:
    """Create the bucket if it does not exist, with the CORS rules that browsers need."""
    await ensure_bucket(s3_config(settings), allowed_origins)


async def apply_cors_rule(settings: Settings, allowed_origins: Sequence[str]) -> None:
    """Set the CORS rule that browsers need. Raise UploadError with the reason if that fails."""
    await apply_cors(s3_config(settings), allowed_origins)


async def check_cors_rule(settings: Settings, origins: Sequence[str]) -> CorsReport:
    """Report what the bucket denies to pages. Raise UploadError if that cannot be checked."""
    return await check_cors(s3_config(settings), origins, common_prefix(settings.s3_key_prefix))


def store_origin(settings: Settings) -> str:
    """Return the origin of the signed URLs."""
    return public_origin(s3_config(settings))


class Container(containers.DeclarativeContainer):
    """The adapter of each port, and a factory for each use case.

    Override a port to use another adapter. A route takes a use case by its name here.
    """

    settings = providers.Dependency(instance_of=Settings)
    clock = providers.Singleton(SystemClock)
    policy = providers.Singleton(upload_policy, settings)
    sessions = providers.Resource(open_sessions, settings)
    store = providers.Resource(open_store, settings)
    # Use cases that change sessions go through the cache, so that signing sees their changes.
    session_cache = providers.Resource(SessionCache, sessions)
    large_lists = providers.Singleton(asyncio.Semaphore, LARGE_LISTS_AT_ONCE)
    open_store_upload = providers.Factory(OpenStoreUpload, session_cache, store, policy)

    start_upload = providers.Factory(StartUpload, session_cache, open_store_upload, policy)
    sign_parts = providers.Factory(
        SignParts, session_cache, store, open_store_upload, policy, clock
    )
    sign_single_upload = providers.Factory(SignSingleUpload, store, policy)
    record_parts = providers.Factory(RecordParts, session_cache, clock, policy)
    complete_upload = providers.Factory(CompleteUpload, session_cache, store, policy)
    abort_upload = providers.Factory(AbortUpload, session_cache, store, policy)
    list_parts = providers.Factory(ListParts, session_cache, store, large_lists)
    upload_status = providers.Factory(GetUploadStatus, list_parts)
    list_sessions = providers.Factory(ListSessions, sessions)
    check_readiness = providers.Factory(CheckReadiness, sessions, store)
    check_lifecycle = providers.Factory(CheckLifecycle, store, policy)

    sweep_session = providers.Factory(SweepSession, sessions, store, complete_upload, abort_upload)
    sweep_store = providers.Factory(SweepStore, sessions, store, policy)
    sweep_uploads = providers.Factory(SweepUploads, sessions, sweep_session, sweep_store, policy)


USE_CASES: Final = tuple(
    name
    for name, provider in Container.providers.items()
    if isinstance(provider, providers.Factory)
)
"""The names of the use cases."""


@dataclass(frozen=True, slots=True)
class UseCases:
    """The use cases of an open container, by name."""

    by_name: Mapping[str, object]

    def get(self, kind: type[T]) -> T:
        """Return the use case of this class."""
        return next(case for case in self.by_name.values() if isinstance(case, kind))


@asynccontextmanager
async def open_use_cases(container: Container) -> AsyncIterator[UseCases]:
    """Open every resource, yield the use cases, and close the resources."""
    try:
        await _await_if_needed(container.init_resources())
        yield UseCases(
            {name: await _await_if_needed(container.providers[name]()) for name in USE_CASES}
        )
    finally:
        await _await_if_needed(container.shutdown_resources())


async def _await_if_needed(value: Awaitable[T] | T) -> T:
    # Providers return awaitables only if a resource opens asynchronously. An adapter that overrides
    # a port may not.
    return await value if isawaitable(value) else value
