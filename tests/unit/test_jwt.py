"""Bearer tokens of an identity provider are verified, cached and follow its keys."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.adapters.jwt import JwtConfig, JwtVerifier, identity_verifier
from multipart_upload.adapters.jwt.key_set import COOLDOWN_SECONDS, MAX_AGE_SECONDS, KeySet
from multipart_upload.domain.errors import IdentityProviderUnavailableError
from multipart_upload.domain.principal import Principal, Scope
from tests.identities import (
    AUDIENCE,
    ISSUER,
    SigningKey,
    hmac_token,
    key_set,
    token_claims,
    unsigned_token,
)

KEY = SigningKey()
OTHER = SigningKey()
ALICE = Principal(user_id="alice", scopes=frozenset({Scope.UPLOAD}))


@dataclass
class Provider:
    """A provider whose keys can be changed, and the clocks of the verifier."""

    document: bytes = field(default_factory=lambda: key_set(KEY))
    reads: int = 0
    monotonic: float = 0.0
    now: float = field(default_factory=time.time)
    is_down: bool = False
    answers: asyncio.Event | None = None

    async def read(self) -> bytes:
        self.reads += 1
        if self.answers:
            await self.answers.wait()
        if self.is_down:
            raise OSError
        return self.document

    def verifier(self, **config: str) -> JwtVerifier:
        keys = KeySet(self.read, lambda: self.monotonic)
        settings = {"issuer": ISSUER, "audience": AUDIENCE, **config}
        rules = JwtConfig(**settings, leeway_seconds=30)
        return identity_verifier(keys, rules, lambda: self.now)


@pytest.fixture
def provider() -> Provider:
    return Provider()


async def test_valid_token_names_its_user(provider: Provider) -> None:
    assert await provider.verifier().verify(KEY.sign()) == ALICE


async def test_user_can_be_another_claim(provider: Provider) -> None:
    verifier = provider.verifier(user_claim="email")

    found = await verifier.verify(KEY.sign(email="a@example.org"))

    assert found is not None
    assert found.user_id == "a@example.org"
    assert await verifier.verify(KEY.sign()) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "openid multipart-upload:act-for multipart-upload:unknown act-for operate"},
        {"scp": ["multipart-upload:act-for", 1]},
    ],
)
async def test_scopes_of_this_service_count(provider: Provider, claims: dict[str, object]) -> None:
    found = await provider.verifier().verify(KEY.sign(**claims))

    assert found is not None
    assert found.scopes == {Scope.UPLOAD, Scope.ACT_FOR}


WRONG_CLAIMS = {
    "expired": {"exp": time.time() - 60},
    "without expiry": {"exp": None},
    "expiry that is no time": {"exp": "tomorrow"},
    "not yet valid": {"nbf": time.time() + 3600},
    "issued in the future": {"iat": time.time() + 3600},
    "other audience": {"aud": "others"},
    "without audience": {"aud": None},
    "other issuer": {"iss": "https://evil.example.org"},
    "without issuer": {"iss": None},
    "without user": {"sub": None},
    "empty user": {"sub": ""},
    "user that is no text": {"sub": 7},
    "user with control characters": {"sub": "a\nb"},
    "user that is too long": {"sub": "a" * 129},
}


@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS.keys())
async def test_token_with_wrong_claims_is_refused(
    provider: Provider, claims: dict[str, object]
) -> None:
    assert await provider.verifier().verify(KEY.sign(**claims)) is None


FORGED = {
    "key of another provider": OTHER.sign(),
    "key of another provider under our id": SigningKey(KEY.key_id).sign(),
    "changed payload": KEY.sign()[:-90] + "AAAA" + KEY.sign()[-86:],
    "unsigned": unsigned_token(),
    "public key as HMAC secret": hmac_token(KEY.public_pem, KEY.key_id),
    "no token": "abc",
    "empty": "",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
async def test_forged_token_is_refused(provider: Provider, token: str) -> None:
    assert await provider.verifier().verify(token) is None


@given(text=st.text(max_size=300))
def test_any_text_is_refused_without_an_error(text: str) -> None:
    assert asyncio.run(Provider().verifier().verify(text)) is None


async def test_symmetric_keys_of_the_set_are_ignored(provider: Provider) -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LQ", "kid": "oct"}
    provider.document = key_set(KEY, more=(secret, {"kty": "EC", "crv": "unknown"}))
    verifier = provider.verifier()

    assert await verifier.verify(hmac_token(b"secret-secret-secret-secret-", "oct")) is None
    assert await verifier.verify(KEY.sign()) == ALICE


async def test_keys_are_read_once_for_many_tokens(provider: Provider) -> None:
    verifier = provider.verifier()

    found = await asyncio.gather(*(verifier.verify(KEY.sign(n=n)) for n in range(20)))

    assert found == [ALICE] * 20
    assert provider.reads == 1


async def test_new_key_is_found_and_invented_ones_cause_few_reads(provider: Provider) -> None:
    verifier = provider.verifier()
    await verifier.verify(KEY.sign())
    provider.document = key_set(KEY, OTHER)
    provider.monotonic += COOLDOWN_SECONDS

    assert await verifier.verify(OTHER.sign()) == ALICE
    for _ in range(10):
        assert await verifier.verify(SigningKey().sign()) is None
    assert provider.reads == 2


async def test_withdrawn_key_stops_working_even_for_cached_tokens(provider: Provider) -> None:
    verifier, token = provider.verifier(), KEY.sign()
    assert await verifier.verify(token) == ALICE
    provider.document = key_set(OTHER)
    assert await verifier.verify(token) == ALICE

    provider.monotonic += MAX_AGE_SECONDS + 1

    assert await verifier.verify(token) is None


async def test_cached_token_expires(provider: Provider) -> None:
    verifier, token = provider.verifier(), KEY.sign()
    assert await verifier.verify(token) == ALICE
    assert await verifier.verify(token) == ALICE

    provider.now = token_claims()["exp"] + 31
    # The library looks at the real clock, by which the token is valid still.
    assert verifier.recall(token) is None


async def test_old_keys_stay_while_the_provider_is_down(provider: Provider) -> None:
    verifier = provider.verifier()
    await verifier.verify(KEY.sign())
    provider.is_down = True
    provider.monotonic += MAX_AGE_SECONDS + 1

    assert await verifier.verify(KEY.sign()) == ALICE


async def test_one_caller_waits_while_old_keys_are_read_again(provider: Provider) -> None:
    verifier = provider.verifier()
    await verifier.verify(KEY.sign())
    provider.monotonic += MAX_AGE_SECONDS + 1
    provider.answers = asyncio.Event()
    waiting = asyncio.create_task(verifier.verify(KEY.sign(n=1)))
    await asyncio.sleep(0)

    assert await verifier.verify(KEY.sign(n=2)) == ALICE
    assert not waiting.done()

    provider.answers.set()
    assert await waiting == ALICE
    assert provider.reads == 2


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"keys": 1}', b"\xff"])
async def test_keys_that_were_never_read_are_an_outage(provider: Provider, document: bytes) -> None:
    provider.document = document
    verifier = provider.verifier()

    with pytest.raises(IdentityProviderUnavailableError):
        await verifier.verify(KEY.sign())

    provider.document = key_set(KEY)
    provider.monotonic += COOLDOWN_SECONDS
    assert await verifier.verify(KEY.sign()) == ALICE
