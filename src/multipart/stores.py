"""Choose the object store from the settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from .application.ports import ObjectStore
from .domain.limits import MAX_PART_COUNT
from .plugins import OBJECT_STORES, load_adapter
from .settings import Settings

ASGIApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """The object store that the settings choose.

    `description` names it and its settings for the log, without secrets, and `credentials` those
    that it uses. `bucket` is the bucket name in the answers of Companion's routes, and
    `max_part_count` the limit in the documentation of the API.
    `serve` makes the ASGI application of a store whose bytes this service takes itself, below the
    path `/objects/`.
    """

    description: str
    credentials: str
    bucket: str
    open: Callable[[], AbstractAsyncContextManager[ObjectStore]]
    max_part_count: int = MAX_PART_COUNT
    serve: Callable[[Any], ASGIApp] | None = None


def choose_store(settings: Settings) -> StoreChoice:
    """Choose the store that OBJECT_STORE names.

    Raise ValueError, naming the setting, if its value can never work. Only the chosen adapter is
    imported.
    """
    if settings.object_store in BUILT_IN:
        return BUILT_IN[settings.object_store](settings)
    name = settings.object_store
    opener = load_adapter(OBJECT_STORES, name)
    return StoreChoice(
        f"{name} (OBJECT_STORE)", "its own", name, opener, serve=getattr(opener, "serve", None)
    )


def _choose_s3(settings: Settings) -> StoreChoice:
    from .adapters.s3 import open_s3_store
    from .s3_bucket import describe_bucket, describe_credentials, s3_config

    return StoreChoice(
        describe_bucket(settings),
        describe_credentials(settings),
        settings.s3_bucket_name,
        partial(open_s3_store, s3_config(settings)),
        settings.s3_max_parts,
    )


def _choose_disk(settings: Settings) -> StoreChoice:
    from .adapters.disk import DiskConfig, open_disk_store
    from .adapters.disk.http import DiskServer

    config = DiskConfig(
        path=Path(settings.disk_store_path),
        secret=settings.disk_store_secret.get_secret_value(),
        public_url=settings.disk_store_public_url or "",
    )
    return StoreChoice(
        f"{config.path} (DISK_STORE_PATH)",
        "DISK_STORE_SECRET",
        config.path.name,
        partial(open_disk_store, config),
        serve=DiskServer,
    )


def _choose_azure(settings: Settings) -> StoreChoice:
    try:
        from .adapters.azure import AzureConfig, open_azure_store
    except ImportError:
        msg = "OBJECT_STORE: azure needs its extra: pip install 'multipart-upload[azure]'"
        raise ValueError(msg) from None

    account, container = settings.azure_storage_account, settings.azure_container
    endpoint_url = settings.azure_endpoint_url or f"https://{account}.blob.core.windows.net"
    config = AzureConfig(
        account=account,
        key=settings.azure_storage_key.get_secret_value(),
        container=container,
        endpoint_url=endpoint_url,
        public_endpoint_url=settings.azure_public_endpoint_url or endpoint_url,
    )
    return StoreChoice(
        f"{container} at {endpoint_url} (AZURE_CONTAINER)",
        "AZURE_STORAGE_KEY",
        container,
        partial(open_azure_store, config),
    )


BUILT_IN: Final = {"azure": _choose_azure, "disk": _choose_disk, "s3": _choose_s3}
"""The stores of this package by name."""
