"""The options that all commands share: where the service is, and who calls."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import click

from ..async_client import AsyncClient, require_url
from ..credentials import TokenSource

_UNITS: Final = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


class ServiceUrl(click.ParamType[str]):
    """A URL that begins with http:// or https://."""

    name = "URL"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            return require_url(value)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


class Rate(click.ParamType[float]):
    """Bytes per second, such as 500K or 2.5M."""

    name = "RATE"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMG]?)", value.upper())
        if found is None or not float(found[1]):
            self.fail("must be over 0, with K, M or G if wanted: 500K or 2.5M", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


def service_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and pass the command a function that opens a client."""

    @click.option("--api", type=ServiceUrl(), required=True, envvar="MPU_API", show_envvar=True)
    @click.option("--user", envvar="MPU_USER", show_envvar=True, help="Owner of the uploads.")
    @click.option("--token", envvar="MPU_TOKEN", show_envvar=True, help="Bearer token.")
    @click.option(
        "--token-command",
        envvar="MPU_TOKEN_COMMAND",
        show_envvar=True,
        help="Command that prints a bearer token; run again when the token is refused.",
    )
    @click.option("--api-key", envvar="MPU_API_KEY", show_envvar=True, help="API key.")
    @wraps(command)
    def with_client(
        *,
        api: str,
        user: str | None,
        token: str | None,
        token_command: str | None,
        api_key: str | None,
        **options: Any,
    ) -> Any:
        if sum(value is not None for value in (token, token_command, api_key)) > 1:
            msg = "give only one of --token, --token-command and --api-key"
            raise click.UsageError(msg)

        def open_client(**more: Any) -> AsyncClient:
            source = token if token_command is None else _token_from(token_command)
            return AsyncClient(api, user_id=user, token=source, api_key=api_key, **more)

        return command(open_client=open_client, **options)

    return with_client


def _token_from(command: str) -> TokenSource:
    def run() -> str:
        # The user's own command; what it writes to standard error is shown.
        arguments = shlex.split(command)
        done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
        return done.stdout.strip()

    return run
