"""`multipart-upload quota`."""

from __future__ import annotations

import click

from ...application.audit_quotas import QuotaAudit
from ...domain.quota import QuotaLimits, QuotaUsage
from ...quotas import QuotaUseCases, open_quota_use_cases
from ..terminal import escape_unprintable
from .database_work import work_on_database


@click.group()
def quota() -> None:
    """Show and check the quotas of users.

    The settings are those of `serve`, one of QUOTA_OPEN_UPLOADS, QUOTA_OPEN_BYTES and
    QUOTA_PERIOD_BYTES among them.
    """


@quota.command()
@click.argument("user_id", metavar="USER")
def show(user_id: str) -> None:
    """Show what a user has, and the limits."""

    async def read(cases: QuotaUseCases) -> tuple[QuotaUsage, QuotaLimits]:
        return await cases.read_usage(user_id), cases.limits

    usage, limits = work_on_database(open_quota_use_cases, read)
    _print("open uploads", usage.open_uploads, limits.open_uploads)
    _print("open bytes", usage.open_bytes, limits.open_bytes)
    ends = usage.period + limits.period
    _print(f"bytes until {ends:%Y-%m-%d %H:%M} UTC", usage.period_bytes, limits.period_bytes)


@quota.command()
@click.option("--repair", is_flag=True, help="Correct what is wrong.")
def audit(*, repair: bool) -> None:
    """Compare the quotas with the open uploads of all users.

    Uploads from before there were quotas are not counted: --repair counts them. The sweep removes
    what crashed processes have left, so that nothing else is usually found. The exit code is 1 if
    something is wrong and was not repaired.
    """
    found = work_on_database(open_quota_use_cases, lambda cases: cases.audit(repair=repair))
    for line in _describe(found):
        click.echo(line)
    if not found.is_clean and not repair:
        raise SystemExit(1)


def _describe(found: QuotaAudit) -> list[str]:
    if found.is_clean:
        return ["Every open upload is counted, and nothing else."]
    named = [
        ("counted, but not open", [stale.reservation for stale in found.stale]),
        ("open, but not counted", found.missing),
    ]
    return [
        f"{meaning}: {item.upload_id}  {escape_unprintable(item.user_id)}  {item.size} bytes"
        for meaning, items in named
        for item in items
    ]


def _print(name: str, value: int, limit: int | None) -> None:
    click.echo(f"{name}: {value}" + ("" if limit is None else f" of {limit}"))
