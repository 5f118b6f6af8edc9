"""Azurite, Microsoft's emulator of Azure Blob Storage, from npm."""

from __future__ import annotations

import os
import shutil
import signal
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobServiceClient

from multipart_upload.adapters.azure import AzureConfig

from .s3_kinds import S3Server
from .used import note_used

_PROGRAM: Final = Path("tests/azurite/node_modules/azurite/dist/src/blob/main.js")


class Azurite(S3Server):
    """A server process with one storage account, which forgets everything when it ends."""

    def __init__(self, node: str, program: Path, folder: Path) -> None:
        self.account = "testaccount"
        self.key = b64encode(b"a key for tests").decode()
        super().__init__(
            "Azurite",
            folder,
            *(node, str(program), "--blobHost", "127.0.0.1", "--blobPort", "{port}"),
            # A newer SDK asks for versions of the API that Azurite does not know yet.
            *("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"),
            environment={"AZURITE_ACCOUNTS": f"{self.account}:{self.key}"},
        )

    @property
    def account_url(self) -> str:
        """The URL of the account: not in the name of the host, as on Azure."""
        return f"{self.endpoint_url}/{self.account}"

    def make_container(self) -> AzureConfig:
        """Make a container that no other test uses and return its configuration."""
        name = f"test-{uuid4().hex}"
        with self.client() as client:
            client.create_container(name)
        return AzureConfig(
            account=self.account,
            key=self.key,
            container=name,
            endpoint_url=self.account_url,
            public_endpoint_url=self.account_url,
        )

    def client(self) -> BlobServiceClient:
        """Return a client with all rights."""
        credential = AzureNamedKeyCredential(self.account, self.key)
        return BlobServiceClient(self.account_url, credential)

    def _end(self, sign: signal.Signals) -> None:
        # Azurite ends its connections slowly, and has nothing to save.
        super()._end(signal.SIGKILL if sign is signal.SIGTERM else sign)


@pytest.fixture(scope="session")
def azurite(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Azurite]:
    """Provide Azurite, which `make test` installs where npm is."""
    server = _find(request.config.rootpath, tmp_path_factory.mktemp("azurite"))
    if server is None:
        reason = "Azurite is not installed: it needs Node.js with npm, and `make test`"
        if os.environ.get("REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        server.start()
        note_used(request.config, "Azure Blob Storage: Azurite")
        yield server
    finally:
        server.kill()


def _find(root: Path, folder: Path) -> Azurite | None:
    node, program = shutil.which("node"), root / _PROGRAM
    return Azurite(node, program, folder) if node and program.exists() else None
