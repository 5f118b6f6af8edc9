"""Dependency injection: the adapters behind the ports, and the use cases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from inspect import isawaitable
from typing import Final, TypeVar

from dependency_injector import containers, providers

from .adapters.clock import SystemClock
from .adapters.content_detector import PuremagicDetector
from .application.abort_upload import AbortUpload
from .application.authenticate import Authenticate
from .application.check_lifecycle import CheckLifecycle
from .application.check_object import CheckObject
from .application.check_readiness import CheckReadiness
from .application.complete_upload import CompleteUpload
from .application.issue_receipt import IssueReceipt
from .application.list_events import ListEvents
from .application.list_parts import LARGE_LISTS_AT_ONCE, ListParts
from .application.list_sessions import ListSessions
from .application.open_store_upload import OpenStoreUpload
from .application.ports import ObjectStore, RateLimiter, SessionRepository
from .application.record_parts import RecordParts
from .application.session_cache import SessionCache
from .application.sign_parts import SignParts
from .application.sign_single_upload import SignSingleUpload
from .application.start_upload import StartUpload
from .application.sweep.sweep_session import SweepSession
from .application.sweep.sweep_store import SweepStore
from .application.sweep.sweep_uploads import SweepUploads
from .application.upload_status import GetUploadStatus
from .credentials import create_token_minter, open_verifiers, require_api_keys
from .events import (
    create_collector,
    create_deliverer,
    open_events,
    open_sender,
    require_events,
)
from .observation import (
    check_tracing,
    close_tracing,
    create_metrics,
    create_observer,
    create_tracing,
    observe_sessions,
    observe_store,
)
from .quotas import create_quota_settler, enforce_quotas, open_quotas, require_quotas
from .rate_limiting import check_rate_limiter, open_rate_limiter
from .receipts import check_receipt_keys, open_receipt_keys, open_receipt_signer
from .session_database import choose_database
from .settings import Settings
from .stores import choose_store
from .upload_policy import upload_policy

T = TypeVar("T")


def check_adapters(settings: Settings) -> None:
    """Raise ValueError, naming the setting, if an adapter can never open."""
    choose_store(settings)
    choose_database(settings)
    check_rate_limiter(settings)
    check_receipt_keys(settings)
    check_tracing(settings)
    if settings.has_quotas:
        require_quotas(settings)
    if settings.webhooks:
        require_events(settings)
    if "api-key" in settings.auth_methods:
        require_api_keys(settings)


def open_sessions(settings: Settings) -> AbstractAsyncContextManager[SessionRepository]:
    """Open the database that the settings choose."""
    return choose_database(settings).open()


def open_store(settings: Settings) -> AbstractAsyncContextManager[ObjectStore]:
    """Open the object store that the settings choose."""
    return choose_store(settings).open()


class Container(containers.DeclarativeContainer):
    """The adapter of each port, and a factory for each use case.

    Override a port to use another adapter. A route takes a use case by its name here.
    """

    settings = providers.Dependency(instance_of=Settings)
    clock = providers.Singleton(SystemClock)
    policy = providers.Singleton(upload_policy, settings)
    content_detector = providers.Singleton(PuremagicDetector)
    sessions = providers.Resource(open_sessions, settings)
    store = providers.Resource(open_store, settings)
    verifiers = providers.Resource(open_verifiers, settings)
    rate_limiter = providers.Resource(open_rate_limiter, settings)
    quotas = providers.Resource(open_quotas, settings)
    events = providers.Resource(open_events, settings)
    sender = providers.Resource(open_sender, settings)
    receipt_keys = providers.Resource(open_receipt_keys, settings)
    receipt_signer = providers.Resource(open_receipt_signer, settings, receipt_keys)
    metrics = providers.Singleton(create_metrics, settings)
    tracing = providers.Singleton(create_tracing, settings)
    closed_tracing = providers.Resource(close_tracing, tracing)
    observer = providers.Singleton(create_observer, metrics)
    observed_sessions = providers.Resource(observe_sessions, sessions, observer, metrics, tracing)
    observed_store = providers.Resource(observe_store, store, metrics, tracing)
    # Use cases that add or end sessions count them in the quotas,
    counted_sessions = providers.Resource(enforce_quotas, observed_sessions, quotas, policy)
    # and those that change sessions go through the cache, so that signing sees their changes.
    session_cache = providers.Resource(SessionCache, counted_sessions)
    large_lists = providers.Singleton(asyncio.Semaphore, LARGE_LISTS_AT_ONCE)
    open_store_upload = providers.Factory(
        OpenStoreUpload, session_cache, observed_store, policy, observer
    )

    authenticate = providers.Factory(Authenticate, verifiers)
    mint_upload_token = providers.Factory(create_token_minter, settings)
    start_upload = providers.Factory(
        StartUpload, session_cache, observed_store, open_store_upload, policy
    )
    sign_parts = providers.Factory(
        SignParts, session_cache, observed_store, open_store_upload, policy, clock
    )
    sign_single_upload = providers.Factory(SignSingleUpload, observed_store, policy)
    record_parts = providers.Factory(RecordParts, session_cache, observed_store, clock)
    check_object = providers.Factory(CheckObject, observed_store, policy, content_detector)
    abort_upload = providers.Factory(
        AbortUpload, session_cache, observed_store, policy, check_object, observer
    )
    complete_upload = providers.Factory(
        CompleteUpload, session_cache, observed_store, policy, abort_upload, check_object, observer
    )
    list_parts = providers.Factory(ListParts, session_cache, observed_store, large_lists)
    upload_status = providers.Factory(GetUploadStatus, list_parts)
    list_sessions = providers.Factory(ListSessions, observed_sessions)
    issue_receipt = providers.Factory(IssueReceipt, receipt_signer)
    list_events = providers.Factory(ListEvents, events)
    collect_events = providers.Factory(create_collector, observed_sessions, events, policy)
    deliver_events = providers.Factory(create_deliverer, observed_sessions, events, sender)
    check_readiness = providers.Factory(CheckReadiness, observed_sessions, observed_store)
    check_lifecycle = providers.Factory(CheckLifecycle, observed_store, policy)

    sweep_session = providers.Factory(
        SweepSession, counted_sessions, observed_store, complete_upload, abort_upload, policy
    )
    sweep_store = providers.Factory(SweepStore, observed_sessions, observed_store, policy)
    settle_quotas = providers.Factory(create_quota_settler, observed_sessions, quotas, policy)
    sweep_uploads = providers.Factory(
        SweepUploads, observed_sessions, sweep_session, sweep_store, settle_quotas, policy, observer
    )


USE_CASES: Final = tuple(
    name
    for name, provider in Container.providers.items()
    if isinstance(provider, providers.Factory)
)
"""The names of the use cases."""


@dataclass(frozen=True, slots=True)
class UseCases:
    """The use cases of an open container by name, their store, and the rate limiter if any."""

    by_name: Mapping[str, object]
    store: ObjectStore
    rate_limiter: RateLimiter | None

    def get(self, kind: type[T]) -> T:
        """Return the use case of this class."""
        found = self.find(kind)
        if found is None:
            raise LookupError(kind)
        return found

    def find(self, kind: type[T]) -> T | None:
        """Return the use case of this class, None if the settings leave it out."""
        return next((case for case in self.by_name.values() if isinstance(case, kind)), None)


@asynccontextmanager
async def open_use_cases(container: Container) -> AsyncIterator[UseCases]:
    """Open every resource, yield the use cases, and close the resources."""
    try:
        await _await_if_needed(container.init_resources())
        yield UseCases(
            {name: await _await_if_needed(container.providers[name]()) for name in USE_CASES},
            await _await_if_needed(container.store()),
            await _await_if_needed(container.rate_limiter()),
        )
    finally:
        await _await_if_needed(container.shutdown_resources())


async def _await_if_needed(value: Awaitable[T] | T) -> T:
    # Providers return awaitables only if a resource opens asynchronously. An adapter that overrides
    # a port may not.
    return await value if isawaitable(value) else value
