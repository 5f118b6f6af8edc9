"""A certified OpenID provider from npm, whose keys can be changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.identities import SigningKey
from tests.patience import PATIENCE_SECONDS, PAUSE_SECONDS

from .mongodb_kinds import free_port

_PROGRAM: Final = Path(__file__).parents[1] / "oidc/provider.js"


class OpenIdProvider:
    """A process that keeps its address when it is restarted with other keys."""

    def __init__(self, node: str, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._node = node
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def jwks_url(self) -> str:
        """Where it publishes its keys."""
        found: str = self._get("/.well-known/openid-configuration")["jwks_uri"]
        return found

    def start(self, *keys: SigningKey) -> None:
        """Start with these keys, and sign with the first."""
        self.stop()
        file = self._folder / "keys.json"
        file.write_text(json.dumps({"keys": [key.private_jwk for key in keys]}))
        port = self.url.rpartition(":")[2]
        with (self._folder / "provider.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._node, str(_PROGRAM), port, str(file)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(httpx.TransportError):
                self._get("/.well-known/openid-configuration")
                return
            time.sleep(PAUSE_SECONDS)
        msg = f"the provider does not answer: {(self._folder / 'provider.log').read_text()}"
        raise RuntimeError(msg)

    def stop(self) -> None:
        """Kill the process; it has nothing to save."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def issue_token(self, scope: str = "") -> str:
        """Issue an access token for the client `site`."""
        form = {
            "grant_type": "client_credentials",
            "client_id": "site",
            "client_secret": "a secret of the test",
            **({"scope": scope} if scope else {}),
        }
        answer = httpx.post(f"{self.url}/token", data=form, timeout=PATIENCE_SECONDS)
        token: str = answer.raise_for_status().json()["access_token"]
        return token

    def _get(self, path: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}{path}", timeout=PATIENCE_SECONDS)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


@pytest.fixture
def openid_provider(tmp_path: Path) -> Iterator[OpenIdProvider]:
    node = shutil.which("node")
    if node is None or not (_PROGRAM.parent / "node_modules/oidc-provider").is_dir():
        reason = "no OpenID provider: it needs node, and `make test` installs it with npm"
        if os.environ.get("REQUIRE_SERVERS"):
            pytest.fail(reason)
        pytest.skip(reason)
    provider = OpenIdProvider(node, tmp_path)
    yield provider
    provider.stop()
