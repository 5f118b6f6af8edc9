"""Tokens of a certified OpenID provider are accepted, also after its keys change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.identities import SigningKey
from tests.patience import wait_until
from tests.servers.oidc import OpenIdProvider

from .bucket import Bucket
from .service import Service, running_service
from .upload import Upload, answer

pytestmark = pytest.mark.e2e

FIRST = SigningKey()


@pytest.fixture
def settings(openid_provider: OpenIdProvider, bucket: Bucket) -> dict[str, str]:
    """Start the provider, and return the settings of a service that accepts its tokens."""
    openid_provider.start(FIRST)
    return {
        **bucket.settings,
        "AUTH": "jwt",
        "AUTH_JWKS_URL": openid_provider.jwks_url,
        "AUTH_JWT_ISSUER": openid_provider.url,
        "AUTH_JWT_AUDIENCE": "uploads",
    }


def test_tokens_of_the_provider_follow_its_keys(
    openid_provider: OpenIdProvider, settings: dict[str, str], tmp_path: Path
) -> None:
    with running_service(tmp_path, settings) as service:
        old = openid_provider.issue_token()
        upload_as_site(service, old)

        openid_provider.start(SigningKey(), FIRST)
        new = openid_provider.issue_token()
        # The service reads the keys again at most every 10 s.
        wait_until(lambda: is_accepted(service, new), "the new key is accepted")
        upload_as_site(service, old)

        openid_provider.stop()
        upload_as_site(service, new)


def test_scope_of_the_provider_lets_a_backend_act_for_users(
    openid_provider: OpenIdProvider, settings: dict[str, str], tmp_path: Path
) -> None:
    token = openid_provider.issue_token("multipart-upload:act-for")
    with (
        running_service(tmp_path, settings) as service,
        service.client(Authorization=f"Bearer {token}") as client,
    ):
        assert Upload.start(client, user_id="alice").key.startswith("alice/")


def upload_as_site(service: Service, token: str) -> None:
    with service.client(Authorization=f"Bearer {token}") as client:
        upload = Upload.start(client, user_id="site")
        upload.send(1, b"abc")
        answer(upload.complete())


def is_accepted(service: Service, token: str) -> bool:
    with service.client(Authorization=f"Bearer {token}") as client:
        return client.get("/api/uploads").is_success
