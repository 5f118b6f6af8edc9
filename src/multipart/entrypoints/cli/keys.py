"""`multipart-upload keys`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

import click

from ...credentials import ApiKeyUseCases, open_api_key_use_cases
from ...domain.api_key import ApiKey
from ...domain.principal import Scope
from ..terminal import escape_unprintable
from .database_work import work_on_database

T = TypeVar("T")


@click.group()
def keys() -> None:
    """Create, list and revoke API keys.

    A client sends its key as `Authorization: Bearer KEY` or `X-API-Key: KEY`. The service accepts
    keys if AUTH contains api-key. Keys are in the database of the sessions, as hashes.
    """


@keys.command()
@click.option("--user", required=True, help="User id that the key acts as.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key allows; may be repeated.  [default: upload]",
)
@click.option("--name", default="", help="What the key is for, shown in the list.")
@click.option(
    "--expires",
    "days",
    type=click.IntRange(1, 3650),
    help="Days until it expires.  [default: never]",
)
def create(user: str, scopes: tuple[str, ...], name: str, days: int | None) -> None:
    """Create a key and show it, once.

    The scopes: `upload` for the key's own user, `act-for` for every user, `operate` to read, list
    and abort the uploads of every user.
    """
    allowed = frozenset(map(Scope, scopes)) or frozenset({Scope.UPLOAD})
    lifetime = None if days is None else timedelta(days=days)
    _, secret = _run(lambda cases: cases.issue(user, allowed, name, lifetime))
    click.echo(f"Keep this key, it is not shown again: {secret}")


@keys.command(name="list")
def list_keys() -> None:
    """List all keys, oldest first."""
    for key in _run(lambda cases: cases.keys.list_keys()):
        click.echo(_describe(key))


@keys.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Revoke the key with this id, as the list shows it.

    Processes that have just seen the key may accept it for 5 more seconds.
    """
    if _run(lambda cases: cases.revoke(key_id)) is None:
        msg = f"there is no key {escape_unprintable(key_id)}"
        raise click.ClickException(msg)
    click.echo(f"Revoked {key_id}.")


def _describe(key: ApiKey) -> str:
    facts = {
        "user": key.user_id,
        "scopes": ",".join(sorted(key.scopes)),
        "name": key.name,
        "created": key.created_at,
        "expires": key.expires_at,
        "last used": key.last_used_at,
        "revoked": key.revoked_at,
    }
    shown = [
        f"{name}: {value.isoformat(timespec='seconds') if isinstance(value, datetime) else value}"
        for name, value in facts.items()
        if value
    ]
    return escape_unprintable("; ".join([key.id, *shown]))


def _run(work: Callable[[ApiKeyUseCases], Awaitable[T]]) -> T:
    return work_on_database(open_api_key_use_cases, work)
