"""The page signs in with a token or an API key, which only the service gets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import jwt
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Request, expect

from tests.e2e.bucket import Bucket
from tests.e2e.service import Service, run_command, running_service
from tests.e2e.upload import MIB, some_bytes

from .upload_page import UploadPage

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SECRET: Final = "0123456789abcdef0123456789abcdef"
USER: Final = "alice"


@pytest.fixture(scope="module")
def guarded_settings(page_settings: dict[str, str]) -> dict[str, str]:
    return {**page_settings, "AUTH": "api-key,token", "UPLOAD_TOKEN_SECRET": SECRET}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guarded-page")


@pytest.fixture(scope="module")
def guarded_service(guarded_settings: dict[str, str], folder: Path) -> Iterator[Service]:
    with running_service(folder, guarded_settings) as service:
        yield service


@pytest.fixture(scope="module")
def api_key(guarded_settings: dict[str, str], folder: Path) -> str:
    created = run_command(folder, guarded_settings, "keys", "create", "--user", USER)
    return created.stdout.split()[-1]


@pytest.fixture
def upload_token() -> str:
    claims = {"sub": USER, "jti": "t", "aud": "multipart-upload", "exp": int(time.time()) + 3600}
    return jwt.encode(claims, SECRET, algorithm="HS256")


@pytest_asyncio.fixture(loop_scope="session")
async def guarded_page(
    page_browser: Browser, guarded_service: Service, page_bucket: Bucket
) -> AsyncIterator[UploadPage]:
    async with UploadPage.opened(page_browser, guarded_service.url, page_bucket) as page:
        page.user = USER
        yield page
        assert page.complaints == []
        assert await page.policy_violations() == []


async def sign_in(page: UploadPage, credential: str) -> None:
    field = page.page.get_by_label("Token or API key")
    await field.fill(credential)
    await field.press("Enter")


@pytest.mark.parametrize(
    ("kind", "greeting"), [("api_key", "Signed in"), ("upload_token", "Signed in as alice")]
)
async def test_signed_in_user_uploads_and_only_the_service_gets_the_credential(
    request: pytest.FixtureRequest,
    guarded_page: UploadPage,
    tmp_path: Path,
    kind: str,
    greeting: str,
) -> None:
    credential: str = request.getfixturevalue(kind)
    name = f"{kind}.bin"
    file = tmp_path / name
    file.write_bytes(some_bytes(9 * MIB))
    seen: list[Request] = []
    guarded_page.page.on("request", lambda found: seen.append(found))  # noqa: PLW0108  # as in UploadPage
    await expect(guarded_page.page.get_by_label("Uploading as")).to_be_hidden()
    await sign_in(guarded_page, credential)
    await expect(guarded_page.page.locator("#account-name")).to_have_text(greeting)

    await guarded_page.choose(file)
    await guarded_page.is_done(name)
    await guarded_page.session_state(name, "Completed")

    assert len(guarded_page.keys(name)) == 1
    service = urlsplit(guarded_page.url).netloc
    others = [found for found in seen if urlsplit(found.url).netloc != service]
    headers = [await found.all_headers() for found in others]
    assert len(others) >= 2
    assert [found for found in headers if "authorization" in found] == []
    assert [found.url for found in seen if credential in found.url] == []
    assert credential not in guarded_page.page.url


async def test_sign_in_lasts_over_a_reload_until_the_user_signs_out(
    guarded_page: UploadPage, api_key: str
) -> None:
    page = guarded_page.page
    await sign_in(guarded_page, api_key)
    await expect(page.locator("#account-name")).to_have_text("Signed in")
    await page.reload()
    await expect(page.locator("#account-name")).to_have_text("Signed in")
    assert await page.evaluate("Object.values(localStorage).join()") == ""

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Token or API key")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0
    await page.reload()
    await expect(page.get_by_label("Token or API key")).to_be_visible()


async def test_credential_that_is_refused_is_explained(guarded_page: UploadPage) -> None:
    await sign_in(guarded_page, "mpu_wrong")
    alert = guarded_page.page.locator("#sign-in-error")
    await expect(alert).to_have_text("The token or API key is not accepted.")
    await expect(guarded_page.page.get_by_label("Token or API key")).to_be_visible()


async def test_credential_that_ends_signs_out(guarded_page: UploadPage, api_key: str) -> None:
    await sign_in(guarded_page, api_key)
    await expect(guarded_page.page.locator("#account-name")).to_have_text("Signed in")
    # As a key is answered that was revoked, or a token that has expired.
    await guarded_page.page.route("**/api/uploads*", lambda route: route.fulfill(status=401))
    await guarded_page.page.get_by_role("button", name="Refresh").click()
    await expect(guarded_page.page.locator("#sign-in-error")).to_contain_text("sign in again")


async def test_files_chosen_before_the_sign_in_are_uploaded_after_it(
    guarded_page: UploadPage, api_key: str, tmp_path: Path
) -> None:
    file = tmp_path / "early.bin"
    file.write_bytes(b"early")
    await expect(guarded_page.page.get_by_label("Token or API key")).to_be_visible()
    await guarded_page.choose(file)
    await expect(guarded_page.page.locator("#sign-in-error")).to_have_text(
        "Sign in to start the upload."
    )
    await sign_in(guarded_page, api_key)
    await guarded_page.is_done("early.bin")
