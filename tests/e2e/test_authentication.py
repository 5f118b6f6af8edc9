"""Callers are authenticated before anything is read, signed or changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
import pytest

from tests.identities import AUDIENCE, ISSUER, SigningKey, hmac_token, key_set, unsigned_token
from tests.patience import wait_until

from . import routes
from .bucket import Bucket
from .companion import CompanionUpload, refusal
from .service import Service, run_command, running_service
from .upload import Upload, answer

pytestmark = pytest.mark.e2e

KEY: Final = SigningKey()
SECRET: Final = "0123456789abcdef0123456789abcdef"
PROXY_USER: Final = "X-Forwarded-User"


@pytest.fixture(scope="module")
def settings(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    keys = tmp_path_factory.mktemp("keys") / "jwks.json"
    keys.write_bytes(key_set(KEY))
    return {
        **bucket.settings,
        "AUTH": "jwt,api-key,token,header",
        "UPLOAD_TOKEN_SECRET": SECRET,
        "AUTH_JWKS_URL": str(keys),
        "AUTH_JWT_ISSUER": ISSUER,
        "AUTH_JWT_AUDIENCE": AUDIENCE,
        "CORS_ALLOWED_ORIGINS": "https://app.example.org",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide the folder of the service, which has its database."""
    return tmp_path_factory.mktemp("guarded")


@pytest.fixture(scope="module")
def guarded(settings: dict[str, str], folder: Path) -> Iterator[Service]:
    """Provide a service that authenticates its callers."""
    with running_service(folder, settings, "--access-log") as service:
        yield service


@pytest.fixture
def anonymous(guarded: Service) -> Iterator[httpx.Client]:
    with guarded.client() as client:
        yield client


@pytest.fixture
def alice(guarded: Service) -> Iterator[httpx.Client]:
    with guarded.client(**bearer(KEY.sign())) as client:
        yield client


@pytest.fixture
def mallory(guarded: Service) -> Iterator[httpx.Client]:
    with guarded.client(**bearer(KEY.sign(sub="mallory"))) as client:
        yield client


def upload_token(secret: str = SECRET, **claims: object) -> str:
    valid = {"sub": "alice", "jti": "t", "aud": "multipart-upload", "exp": time.time() + 600}
    given = {name: value for name, value in {**valid, **claims}.items() if value is not None}
    return jwt.encode(given, secret, algorithm="HS256")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


Call = Callable[[Upload], httpx.Response]


def on_companion(call: Callable[[CompanionUpload], httpx.Response]) -> Call:
    def of_upload(upload: Upload) -> httpx.Response:
        identity = {"uploadId": upload.started["upload_id"], "key": upload.key}
        return call(CompanionUpload(upload.api, identity))

    return of_upload


def create(upload: Upload) -> httpx.Response:
    return upload.api.post("/s3/multipart", json={"filename": "a.txt", "type": "text/plain"})


def make_token(upload: Upload) -> httpx.Response:
    return upload.api.post("/api/upload-tokens", json={"user_id": "alice"})


PART: Final = {"PartNumber": 1, "ETag": routes.ETAG}
CALLS: Final[Mapping[str, Call]] = {
    **{path: call for path, call in routes.ALL.items() if path.startswith("/api")},
    "/api/upload-tokens": make_token,
    "/api/events": lambda upload: upload.api.get("/api/events", params={"user_id": "alice"}),
    "s3CreateMultipartUpload": create,
    "s3SignPart": on_companion(lambda upload: upload.sign(1)),
    "s3SignParts": on_companion(lambda upload: upload.sign_batch("1")),
    "s3ListParts": on_companion(CompanionUpload.list),
    "s3AbortMultipartUpload": on_companion(CompanionUpload.abort),
    "s3CompleteMultipartUpload": on_companion(lambda upload: upload.complete(PART)),
    "s3SignSingleUpload": lambda upload: upload.api.get("/s3/params", params={"filename": "a"}),
    "s3GetCredentials": lambda upload: upload.api.get("/s3/sts"),
}
# These name no upload and no user: they act for the caller.
OWN: Final = {"s3CreateMultipartUpload", "s3SignSingleUpload", "s3GetCredentials"}
CREDENTIALS: Final[Mapping[str, dict[str, str]]] = {
    "none": {},
    "no token": bearer("abc"),
    "empty": {"Authorization": "Bearer"},
    "another scheme": {"Authorization": "Basic YWxpY2U6c2VjcmV0"},
    "too long": bearer("a" * 9_000),
    "an API key": {"X-API-Key": "mpu_0123"},
    "two": {**bearer(KEY.sign()), "X-API-Key": "mpu_0123"},
    "wrong key": bearer(SigningKey(KEY.key_id).sign()),
    "expired": bearer(KEY.sign(exp=time.time() - 3600)),
    "not yet valid": bearer(KEY.sign(nbf=time.time() + 3600)),
    "wrong audience": bearer(KEY.sign(aud="others")),
    "wrong issuer": bearer(KEY.sign(iss="https://evil.example.org")),
    "alg none": bearer(unsigned_token()),
    "upload token of another secret": bearer(upload_token(secret=SECRET[::-1])),
    "expired upload token": bearer(upload_token(exp=time.time() - 3600)),
    "upload token without id": bearer(upload_token(jti=None)),
    "public key as HMAC secret": bearer(hmac_token(KEY.public_pem, KEY.key_id)),
}


def test_every_route_has_a_call(anonymous: httpx.Client) -> None:
    paths = anonymous.get("/docs/openapi.json").json()["paths"]
    documented = {
        path if path.startswith("/api") else operation["operationId"]
        for path, item in paths.items()
        for operation in item.values()
        if not path.startswith(("/health", "/.well-known"))
    }

    assert documented == set(CALLS)


@pytest.mark.parametrize("credentials", CREDENTIALS.values(), ids=CREDENTIALS.keys())
def test_wrong_credentials_are_refused_on_every_route(
    guarded: Service, alice: httpx.Client, credentials: dict[str, str]
) -> None:
    upload = Upload.start(alice, user_id="alice")
    before = observe(upload)
    code = "invalid-credentials" if credentials else "unauthenticated"

    with guarded.client(**credentials) as client:
        for name, call in CALLS.items():
            response = call(Upload(client, "alice", upload.started))
            assert (name, response.status_code) == (name, 401), response.text
            assert response.json()["code"] == code
            assert response.headers["www-authenticate"].startswith("Bearer realm=")
            if name.startswith("s3"):
                refusal(response, 401, code)

    assert observe(upload) == before
    secrets = [value.rpartition(" ")[2] for value in credentials.values()]
    assert not any(len(secret) > 10 and secret in guarded.log for secret in secrets)


def test_foreign_caller_is_refused_on_every_route(
    alice: httpx.Client, mallory: httpx.Client
) -> None:
    upload = Upload.start(alice, user_id="alice")
    before = observe(upload)

    for name, call in CALLS.items():
        if name not in OWN:
            response = call(Upload(mallory, "alice", upload.started))
            assert (name, response.status_code in {403, 404}) == (name, True), response.text
            if response.status_code == 403:
                assert response.json()["code"] == "user-not-allowed"

    assert observe(upload) == before


def test_upload_token_of_another_upload_is_refused_on_every_route(
    guarded: Service, alice: httpx.Client
) -> None:
    upload = Upload.start(alice, user_id="alice")
    before = observe(upload)

    with guarded.client(**bearer(upload_token())) as bearer_of_token:
        for name, call in CALLS.items():
            if name not in OWN | {"/api/start-upload", "/api/uploads"}:
                response = call(Upload(bearer_of_token, "alice", upload.started))
                assert (name, response.status_code in {403, 404}) == (name, True), response.text
        assert answer(bearer_of_token.get("/api/uploads"))["uploads"] == []

    assert observe(upload) == before


def test_upload_token_in_the_path_uploads_and_is_in_no_log(
    guarded: Service, mallory: httpx.Client, anonymous: httpx.Client
) -> None:
    token = KEY.sign(sub="backend", scope="multipart-upload:act-for")
    fields = {"user_id": "alice", "max_uploads": 1, "max_size": 3, "key_prefix": "avatars/"}
    assert mallory.post("/api/upload-tokens", json=fields).status_code == 403
    with guarded.client(**bearer(token)) as backend:
        made = answer(backend.post("/api/upload-tokens", json=fields))
    path = f"{made['path']}/api"
    started = answer(
        anonymous.post(f"{path}/start-upload", json={"filename": "a", "content_type": ""})
    )
    assert started["key"].startswith("avatars/alice/")
    listed = answer(anonymous.get(f"{path}/uploads"))["uploads"]
    assert [found["upload_id"] for found in listed] == [started["upload_id"]]
    create = {"filename": "b", "type": "text/plain"}
    again = anonymous.post(f"{made['path']}/s3/multipart", json=create)
    refusal(again, 403, "upload-token-exhausted")
    for wrong in (KEY.sign(), made["token"][:-4], ""):
        assert anonymous.get(f"/t/{wrong}/api/uploads").status_code == 401
    assert anonymous.get(f"{made['path']}/docs").status_code == 404
    assert made["token"] not in guarded.log


def test_foreign_upload_is_unknown_to_a_caller_that_names_itself(
    alice: httpx.Client, mallory: httpx.Client
) -> None:
    upload = Upload.start(alice, user_id="alice")

    for path, call in routes.ON_ONE_UPLOAD.items():
        response = call(Upload(mallory, "mallory", upload.started))
        assert (path, response.status_code) == (path, 404)


def observe(upload: Upload) -> tuple[object, ...]:
    """Return what a request could have changed: the upload and the list of its user's uploads."""
    return answer(upload.status()), answer(upload.siblings())["uploads"][:1]


def test_user_is_optional_everywhere(alice: httpx.Client) -> None:
    fields = {"filename": "a.bin", "content_type": "", "size": 3}
    started = answer(alice.post("/api/start-upload", json=fields))
    upload = Upload(alice, "alice", started)
    etag = upload.put(1, b"abc")
    part = {**upload.identity, "part_number": 1, "etag": etag}

    assert answer(alice.post("/api/upload-part", json=part))["parts_recorded"] == 1
    parts = {**upload.identity, "parts": [{"part_number": 1, "etag": etag}]}
    assert answer(alice.post("/api/upload-parts", json=parts))["parts_recorded"] == 1
    listed = answer(alice.get("/api/uploads"))["uploads"]
    assert started["upload_id"] in {found["upload_id"] for found in listed}
    done = answer(alice.post("/api/complete-upload", json=upload.identity))
    assert done["key"].startswith("alice/")
    assert answer(alice.get("/api/upload-status", params=upload.identity))["status"] == "completed"


def test_wrong_fields_are_named_without_the_user(alice: httpx.Client) -> None:
    assert wrong_fields(alice.post("/api/start-upload", json={"size": -1})) == {
        "filename",
        "content_type",
        "size",
    }
    assert wrong_fields(alice.post("/api/complete-upload", json={})) == {"upload_id", "key"}
    twice = b'{"filename": 1, "filename": "a", "content_type": ""}'
    response = alice.post(
        "/api/start-upload", content=twice, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 422


def wrong_fields(response: httpx.Response) -> set[str]:
    assert response.status_code == 422, response.text
    return {error["field"] for error in response.json()["errors"]}


def test_backend_acts_for_every_user(guarded: Service, mallory: httpx.Client) -> None:
    token = KEY.sign(sub="backend", scope="multipart-upload:act-for")
    with guarded.client(**bearer(token)) as backend:
        upload = Upload.start(backend, user_id="bob")
        upload.send(1, b"abc")
        assert upload.key.startswith("bob/")
        answer(upload.complete())
        assert answer(upload.siblings())["uploads"]
    assert Upload(mallory, "mallory", upload.started).status().status_code == 404


def test_operator_reads_and_aborts_but_does_not_upload(
    guarded: Service, alice: httpx.Client
) -> None:
    upload = Upload.start(alice, user_id="alice")
    token = KEY.sign(sub="olga", scope="multipart-upload:operate")
    with guarded.client(**bearer(token)) as client:
        seen = Upload(client, "alice", upload.started)
        answer(seen.status())
        answer(seen.list_parts())
        answer(seen.siblings())
        assert seen.sign(1).status_code == 404
        assert seen.record(1, routes.ETAG).status_code == 403
        assert seen.complete().status_code == 403
        assert routes.start(seen).status_code == 403
        answer(seen.abort())
    assert answer(upload.status())["status"] == "aborted"


def test_api_key_is_created_used_listed_and_revoked(
    guarded: Service, settings: dict[str, str], folder: Path
) -> None:
    def keys(*arguments: str) -> str:
        done = run_command(folder, settings, "keys", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    secret = keys("create", "--user", "bob", "--name", "the site").split()[-1]
    backend = keys("create", "--user", "site", "--scope", "act-for", "--expires", "1").split()[-1]
    for headers in (bearer(secret), {"X-API-Key": secret}):
        with guarded.client(**headers) as bob:
            upload = Upload.start(bob, user_id="bob")
            assert routes.start(Upload(bob, "alice", upload.started)).status_code == 403
    with guarded.client(**bearer(backend)) as client:
        assert Upload.start(client, user_id="carol").key.startswith("carol/")

    of_bob, of_site = (line.split("; ") for line in keys("list").splitlines())
    assert of_bob[1:4] == ["user: bob", "scopes: upload", "name: the site"]
    assert [fact.partition(":")[0] for fact in of_bob[4:]] == ["created", "last used"]
    assert of_site[1:3] == ["user: site", "scopes: act-for"]
    assert keys("revoke", of_bob[0]) == f"Revoked {of_bob[0]}.\n"
    assert "revoked: " in keys("list").splitlines()[0]
    with guarded.client(**bearer(secret)) as bob:
        # A process remembers a key for a few seconds.
        wait_until(lambda: bob.get("/api/uploads").status_code == 401, "the key is refused")
    assert not any(key in guarded.log for key in (secret, backend))


def test_unknown_key_cannot_be_revoked(settings: dict[str, str], folder: Path) -> None:
    done = run_command(folder, settings, "keys", "revoke", "0123")

    assert (done.returncode, done.stderr) == (1, "Error: there is no key 0123\n")


def test_trusted_proxy_names_the_user(guarded: Service, anonymous: httpx.Client) -> None:
    with guarded.client(**{PROXY_USER: "zoe", "X-Forwarded-For": "203.0.113.9"}) as zoe:
        upload = CompanionUpload.create(zoe)
        assert upload.key.startswith("zoe/")
        own = Upload.start(zoe, user_id="zoe")
        assert routes.start(Upload(zoe, "alice", own.started)).status_code == 403
    two = [(PROXY_USER, "zoe"), (PROXY_USER, "eve")]
    assert anonymous.get("/api/uploads", headers=two).json()["code"] == "invalid-credentials"


def test_header_of_an_untrusted_peer_counts_for_nothing(
    settings: dict[str, str], tmp_path: Path
) -> None:
    untrusted = {**settings, "AUTH": "header", "AUTH_TRUSTED_PROXIES": "192.0.2.0/24"}
    # A client can claim to come from the proxy, but only the connection counts.
    claimed = {PROXY_USER: "zoe", "X-Forwarded-For": "192.0.2.1"}
    with running_service(tmp_path, untrusted) as service, service.client(**claimed) as client:
        response = client.get("/api/uploads")
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


def test_health_docs_and_preflights_need_no_credentials(anonymous: httpx.Client) -> None:
    assert anonymous.get("/health/live").status_code == 200
    assert anonymous.get("/health/ready").status_code == 200
    assert anonymous.get("/docs").status_code == 200
    preflight = {
        "Origin": "https://app.example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, x-api-key",
    }
    for path in ("/api/start-upload", "/s3/multipart"):
        response = anonymous.options(path, headers=preflight)
        assert response.status_code == 204
        assert "authorization" in response.headers["access-control-allow-headers"].lower()
        assert "x-api-key" in response.headers["access-control-allow-headers"].lower()


def test_document_describes_authentication(anonymous: httpx.Client) -> None:
    document = anonymous.get("/docs/openapi.json").json()
    start = document["paths"]["/api/start-upload"]["post"]
    create = document["paths"]["/s3/multipart"]["post"]

    assert document["components"]["securitySchemes"]["jwt"]["scheme"] == "bearer"
    assert start["security"] == create["security"] == [{"jwt": []}, {"api-key": []}, {"token": []}]
    assert "user_id" not in document["components"]["schemas"]["StartUploadRequest"]["required"]
    assert_documented(start, anonymous.post("/api/start-upload", json={}))
    assert_documented(create, anonymous.post("/s3/multipart", json={}))


def assert_documented(operation: Mapping[str, Any], response: httpx.Response) -> None:
    found = operation["responses"][str(response.status_code)]
    content = found["content"][response.headers["content-type"]]
    assert content["examples"][response.json()["code"]]["value"].keys() == response.json().keys()


WRONG_SETTINGS: Final = {
    "unknown method": ({"AUTH": "password"}, "AUTH"),
    "none with others": ({"AUTH": "none,jwt"}, "AUTH"),
    "jwt without its settings": ({"AUTH": "jwt"}, "AUTH_JWKS_URL"),
    "keys without TLS": ({"AUTH_JWKS_URL": "http://example.org/keys"}, "AUTH_JWKS_URL"),
    "keys in no file": ({"AUTH_JWKS_URL": "missing.json"}, "AUTH_JWKS_URL"),
    "token without a secret": ({"AUTH": "token"}, "UPLOAD_TOKEN_SECRET"),
    "short secret": ({"UPLOAD_TOKEN_SECRET": "short"}, "UPLOAD_TOKEN_SECRET"),
    "proxies": ({"AUTH_TRUSTED_PROXIES": "10.0.0.1/8"}, "AUTH_TRUSTED_PROXIES"),
}


@pytest.mark.parametrize(("wrong", "name"), WRONG_SETTINGS.values(), ids=WRONG_SETTINGS.keys())
def test_wrong_settings_end_the_start(
    bucket: Bucket, tmp_path: Path, wrong: dict[str, str], name: str
) -> None:
    done = run_command(tmp_path, {**bucket.settings, **wrong}, "serve", "--port", "0")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {name}: ")
    assert done.stderr.count("\n") == 1


def test_other_machines_may_call_only_if_auth_is_set(bucket: Bucket, tmp_path: Path) -> None:
    every_address = "0.0.0.0"  # noqa: S104  # nothing listens: the start is refused
    done = run_command(tmp_path, bucket.settings, "serve", "--host", every_address, "--port", "0")

    assert done.returncode == 1
    assert done.stderr.startswith("Error: AUTH: is required with --host 0.0.0.0")
