"""Interrupted uploads resume, and cancelled uploads leave nothing."""

from __future__ import annotations

import asyncio
import os
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Route, expect

from tests.e2e.bucket import Bucket
from tests.e2e.service import running_service
from tests.e2e.upload import MIB, some_bytes

from .gate import Gate
from .upload_page import UploadPage

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

NAME: Final = "film.bin"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Provide a file of two parts, the second one small."""
    file = tmp_path / NAME
    file.write_bytes(some_bytes(8 * MIB + 1000))
    return file


def overwrite(file: Path) -> None:
    file.write_bytes(b"changed")


def twin_of(file: Path) -> Path:
    """Create a file that a page can distinguish only by its modification time."""
    twin = file.parent / "elsewhere" / file.name
    twin.parent.mkdir()
    twin.write_bytes(file.read_bytes())
    os.utime(twin, (1, 1))
    return twin


def digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


async def test_pause_stops_and_resume_sends_only_what_is_missing(
    upload_page: UploadPage, film: Path
) -> None:
    gate = await Gate.before_all_parts_but(upload_page, {2})
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.part_is_recorded(2)

    await upload_page.press("Pause", NAME)
    await upload_page.shows(NAME, "Paused")
    gate.open()
    await asyncio.sleep(0.5)
    await upload_page.shows(NAME, "Paused")
    await upload_page.press("Resume", NAME)

    await upload_page.is_done(NAME)
    assert upload_page.digest(NAME) == digest(film)
    assert upload_page.times_sent(NAME)[2] == 1


async def test_reload_and_the_same_file_resume_the_upload(
    upload_page: UploadPage, film: Path
) -> None:
    gate = await Gate.before_all_parts_but(upload_page, {2})
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.part_is_recorded(2)

    await upload_page.page.reload()
    gate.open()
    await upload_page.shows(NAME, "Choose the file again")
    await expect(upload_page.row(NAME)).to_contain_text("1 of 2 parts sent")
    await upload_page.choose(film)

    await upload_page.is_done(NAME)
    assert upload_page.digest(NAME) == digest(film)
    assert upload_page.times_sent(NAME)[2] == 1
    await upload_page.page.reload()
    await upload_page.session_state(NAME, "Completed")
    await expect(upload_page.row(NAME)).to_have_count(0)


async def test_another_file_does_not_resume_the_upload(upload_page: UploadPage, film: Path) -> None:
    gate = await Gate.before_all_parts_but(upload_page, set())
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.shows(NAME, "of 8.4 MB")
    await upload_page.page.reload()
    gate.open()

    await upload_page.choose_again(NAME, twin_of(film))

    await upload_page.shows(NAME, "is not the file")
    await upload_page.choose_again(NAME, film)
    await upload_page.is_done(NAME)


async def test_cancel_leaves_nothing_on_s3(upload_page: UploadPage, film: Path) -> None:
    gate = await Gate.before_all_parts_but(upload_page, {2})
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.part_is_recorded(2)
    assert len(upload_page.open_uploads()) == 1

    await upload_page.press("Cancel", NAME)
    await upload_page.page.get_by_role("button", name="Cancel upload").click()
    gate.open()

    await expect(upload_page.row(NAME)).to_have_count(0)
    await upload_page.session_state(NAME, "Cancelled")
    assert upload_page.open_uploads() == []
    assert upload_page.all_keys() == []


async def test_cancel_after_a_reload_needs_no_file(upload_page: UploadPage, film: Path) -> None:
    gate = await Gate.before_all_parts_but(upload_page, {2})
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.part_is_recorded(2)
    await upload_page.page.reload()
    gate.open()

    await upload_page.press("Cancel", NAME)
    await upload_page.page.get_by_role("button", name="Cancel upload").click()

    await upload_page.session_state(NAME, "Cancelled")
    assert upload_page.open_uploads() == []


async def test_part_that_fails_three_times_is_sent_a_fourth_time(
    upload_page: UploadPage, film: Path
) -> None:
    failures = 3

    async def fail(route: Route, part: int) -> None:
        nonlocal failures
        if part == 2 and failures > 0:
            failures -= 1
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await upload_page.on_parts(fail)
    await upload_page.sign_in()

    await upload_page.choose(film)
    await upload_page.is_done(NAME)

    assert upload_page.times_sent(NAME) == {1: 1, 2: 4}
    assert upload_page.digest(NAME) == digest(film)


async def test_failed_part_fails_the_upload_and_retry_sends_only_that_part(
    upload_page: UploadPage, film: Path
) -> None:
    is_broken = True

    async def fail(route: Route, part: int) -> None:
        # An S3 error that the page does not retry for long.
        if part == 1 and is_broken:
            await route.fulfill(status=404, headers={"Access-Control-Allow-Origin": "*"})
        else:
            await route.continue_()

    await upload_page.on_parts(fail)
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.shows(NAME, "The storage answered 404.")
    is_broken = False

    await upload_page.press("Retry", NAME)

    await upload_page.is_done(NAME)
    assert upload_page.digest(NAME) == digest(film)
    assert upload_page.times_sent(NAME)[2] == 1


async def test_complete_whose_response_is_lost_is_sent_again(
    upload_page: UploadPage, film: Path
) -> None:
    lost = 0

    async def lose_once(route: Route) -> None:
        nonlocal lost
        await route.fetch()
        if lost == 0:
            lost = 1
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await upload_page.page.route("**/api/complete-upload", lose_once)
    await upload_page.sign_in()

    await upload_page.choose(film)
    await upload_page.is_done(NAME)

    assert lost == 1
    assert upload_page.digest(NAME) == digest(film)
    assert upload_page.times_sent(NAME) == {1: 1, 2: 1}


async def test_file_wholly_sent_is_completed_after_a_reload_without_the_file(
    upload_page: UploadPage, film: Path
) -> None:
    async def refuse(route: Route) -> None:
        await route.abort("connectionreset")

    await upload_page.page.route("**/api/complete-upload", refuse)
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.shows(NAME, "Completing")

    await upload_page.page.reload()
    await upload_page.shows(NAME, "Completing")
    await upload_page.page.unroute("**/api/complete-upload")

    await upload_page.is_done(NAME)
    assert upload_page.digest(NAME) == digest(film)
    assert upload_page.times_sent(NAME) == {1: 1, 2: 1}


async def test_cells_are_as_wide_as_their_parts(upload_page: UploadPage, tmp_path: Path) -> None:
    file = tmp_path / "nine.bin"
    file.write_bytes(some_bytes(9 * MIB))
    gate = await Gate.before_all_parts_but(upload_page, set())
    await upload_page.sign_in()
    await upload_page.choose(file)
    cells = upload_page.row("nine.bin").locator(".cells span")
    await expect(cells).to_have_count(2)

    boxes = [await cell.bounding_box() for cell in await cells.all()]
    first, last = [box["width"] if box else 0 for box in boxes]
    gate.open()

    assert first / last == pytest.approx(8, rel=0.05), "8 MiB and 1 MiB"
    await upload_page.is_done("nine.bin")


async def test_no_speed_is_shown_without_a_network(upload_page: UploadPage, film: Path) -> None:
    page = upload_page.page
    network = await page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    await network.send("Network.enable")
    await network.send("Network.emulateNetworkConditions", slow)
    await upload_page.sign_in()
    await upload_page.choose(film)
    overall = page.locator("#overall")
    await expect(overall).to_contain_text("/s")

    await network.send("Network.emulateNetworkConditions", {**slow, "offline": True})

    await expect(overall).to_contain_text("left")
    await expect(overall).not_to_contain_text("/s")


async def test_start_whose_response_is_lost_makes_no_second_upload(
    upload_page: UploadPage, film: Path
) -> None:
    lost = 0

    async def lose_once(route: Route) -> None:
        nonlocal lost
        if lost == 0:
            lost = 1
            await route.fetch()
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await upload_page.page.route("**/api/start-upload", lose_once)
    await upload_page.sign_in()

    await upload_page.choose(film)
    await upload_page.is_done(NAME)

    await expect(upload_page.page.get_by_role("row").filter(has_text=NAME)).to_have_count(1)
    assert upload_page.open_uploads() == []


async def test_retry_after_is_honoured(upload_page: UploadPage, film: Path) -> None:
    asked_at: list[float] = []
    loop = asyncio.get_running_loop()

    async def refuse_once(route: Route) -> None:
        asked_at.append(loop.time())
        if len(asked_at) == 1:
            problem = {"code": "store-unavailable", "detail": "The object store is not available."}
            await route.fulfill(status=503, headers={"Retry-After": "2"}, json=problem)
        else:
            await route.continue_()

    await upload_page.page.route("**/api/start-upload", refuse_once)
    await upload_page.sign_in()

    await upload_page.choose(film)
    await upload_page.is_done(NAME)

    assert asked_at[1] - asked_at[0] >= 1.9


async def test_upload_waits_for_the_network(upload_page: UploadPage, film: Path) -> None:
    await upload_page.sign_in()
    await upload_page.page.context.set_offline(offline=True)

    await upload_page.choose(film)
    await upload_page.shows(NAME, "Waiting for the network")
    await upload_page.page.context.set_offline(offline=False)

    await upload_page.is_done(NAME)
    assert upload_page.digest(NAME) == digest(film)


async def test_file_changed_during_the_upload_is_not_mixed(
    upload_page: UploadPage, film: Path
) -> None:
    gate = await Gate.before_all_parts_but(upload_page, {2})
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.part_is_recorded(2)
    await upload_page.press("Pause", NAME)
    gate.open()

    overwrite(film)
    await upload_page.press("Resume", NAME)

    await upload_page.shows(NAME, "The file has changed")
    await expect(upload_page.button("Retry", NAME)).to_be_hidden()
    assert upload_page.all_keys() == []


async def test_file_chosen_twice_is_sent_once(upload_page: UploadPage, film: Path) -> None:
    gate = await Gate.before_all_parts_but(upload_page, {2})
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.part_is_recorded(2)

    await upload_page.choose(film)
    await upload_page.shows(NAME, "is already uploading")
    gate.open()

    await upload_page.is_done(NAME)
    await expect(upload_page.page.get_by_role("row").filter(has_text=NAME)).to_have_count(1)


async def test_upload_discarded_by_s3_is_sent_again_completely(
    upload_page: UploadPage, film: Path
) -> None:
    gate = await Gate.before_all_parts_but(upload_page, {2})
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.part_is_recorded(2)
    await upload_page.press("Pause", NAME)
    await upload_page.shows(NAME, "Paused")
    gate.open()

    upload_page.discard_uploads_in_s3()
    await upload_page.press("Resume", NAME)

    await upload_page.is_done(NAME)
    assert upload_page.digest(NAME) == digest(film)
    assert upload_page.times_sent(NAME)[2] == 2


async def test_upload_discarded_by_s3_while_it_runs_is_sent_again(
    upload_page: UploadPage, film: Path
) -> None:
    gate = await Gate.before_all_parts_but(upload_page, {2})
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.part_is_recorded(2)

    upload_page.discard_uploads_in_s3()
    gate.open()

    await upload_page.is_done(NAME)
    assert upload_page.digest(NAME) == digest(film)
    assert upload_page.times_sent(NAME)[2] == 2


async def test_upload_cancelled_elsewhere_can_be_restarted(
    upload_page: UploadPage, film: Path
) -> None:
    gate = await Gate.before_all_parts_but(upload_page, {2})
    await upload_page.sign_in()
    await upload_page.choose(film)
    session = await upload_page.part_is_recorded(2)
    await upload_page.press("Pause", NAME)
    gate.open()
    await upload_page.post("abort-upload", session)

    await upload_page.press("Resume", NAME)
    await upload_page.shows(NAME, "was cancelled elsewhere")
    await upload_page.press("Retry", NAME)

    await upload_page.is_done(NAME)
    assert upload_page.digest(NAME) == digest(film)


async def test_expired_url_is_replaced(
    page_browser: Browser, page_settings: dict[str, str], page_bucket: Bucket, tmp_path: Path
) -> None:
    file = tmp_path / NAME
    file.write_bytes(some_bytes(100_000))
    held: set[int] = set()

    async def hold_once(route: Route, part: int) -> None:
        if part not in held:
            held.add(part)
            await asyncio.sleep(6.2)
        await route.continue_()

    with running_service(tmp_path, {**page_settings, "SIGNED_URL_SECONDS": "5"}) as service:
        async with UploadPage.opened(page_browser, service.url, page_bucket) as page:
            await page.on_parts(hold_once)
            await page.sign_in()
            await page.choose(file)
            await page.is_done(NAME)

            assert page.times_sent(NAME)[1] >= 2
            assert page.digest(NAME) == digest(file)
