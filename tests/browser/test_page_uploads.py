"""Files uploaded by the page reach S3 unchanged."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.e2e.upload import MIB, some_bytes

from .upload_page import UploadPage

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_file_of_several_parts_arrives_unchanged(
    upload_page: UploadPage, tmp_path: Path
) -> None:
    file = tmp_path / "film.bin"
    file.write_bytes(some_bytes(25 * MIB))
    await upload_page.sign_in()

    await upload_page.choose(file)
    await upload_page.is_done("film.bin")

    assert upload_page.digest("film.bin") == sha256(file.read_bytes()).hexdigest()
    assert upload_page.times_sent("film.bin") == {1: 1, 2: 1, 3: 1, 4: 1}
    progress = upload_page.page.get_by_role("progressbar", name="Progress of film.bin")
    await expect(progress).to_have_attribute("aria-valuenow", "100")
    await upload_page.session_state("film.bin", "Completed")


async def test_parts_are_sent_without_a_content_type(
    upload_page: UploadPage, tmp_path: Path
) -> None:
    """Ceph RGW 20.2.4 refuses a header that is not signed, and preflights must allow one."""
    file = tmp_path / "picture.png"
    file.write_bytes(some_bytes(9 * MIB))
    sent: list[dict[str, str]] = []

    async def note_headers(route: Route, _: int) -> None:
        sent.append(await route.request.all_headers())
        await route.continue_()

    await upload_page.on_parts(note_headers)
    await upload_page.sign_in()
    await upload_page.choose(file)
    await upload_page.is_done("picture.png")

    assert len(sent) == 2
    assert [headers for headers in sent if "content-type" in headers] == []


async def test_ten_concurrent_files_all_arrive(upload_page: UploadPage, tmp_path: Path) -> None:
    files = [tmp_path / f"file-{number}.bin" for number in range(10)]
    for number, file in enumerate(files):
        file.write_bytes(some_bytes(9 * MIB + number, seed=number))
    await upload_page.sign_in()

    await upload_page.choose(*files)
    for file in files:
        await upload_page.is_done(file.name)

    for file in files:
        assert upload_page.digest(file.name) == sha256(file.read_bytes()).hexdigest()


async def test_empty_file_and_unusual_name_arrive(upload_page: UploadPage, tmp_path: Path) -> None:
    file = tmp_path / "leer & <b>größer.txt"
    file.touch()
    await upload_page.sign_in()

    await upload_page.choose(file)
    await upload_page.is_done(file.name)

    (key,) = upload_page.all_keys()
    assert upload_page.bucket.download(key).body == b""


async def test_file_chosen_before_the_user_name_waits_for_it(
    upload_page: UploadPage, tmp_path: Path
) -> None:
    file = tmp_path / "note.txt"
    file.write_bytes(b"note")

    await upload_page.choose(file)
    await expect(upload_page.page.get_by_role("alert")).to_contain_text("Enter your name")
    await expect(upload_page.page.get_by_label("Uploading as")).to_be_focused()
    await upload_page.sign_in()

    await upload_page.is_done("note.txt")


async def test_a_dropped_file_is_uploaded(upload_page: UploadPage) -> None:
    await upload_page.sign_in()

    transfer = await upload_page.page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["dropped"], "dropped.txt", {type: "text/plain"}));
            return transfer;
        }"""
    )
    await upload_page.page.dispatch_event("body", "drop", {"dataTransfer": transfer})

    await upload_page.is_done("dropped.txt")
    (key,) = upload_page.keys("dropped.txt")
    assert upload_page.bucket.download(key).body == b"dropped"


async def test_urls_are_signed_in_batches(upload_page: UploadPage, tmp_path: Path) -> None:
    file = tmp_path / "film.bin"
    file.write_bytes(some_bytes(17 * MIB))
    batches: list[list[int]] = []

    async def sign(route: Route) -> None:
        asked = route.request.post_data_json or {}
        batches.append(asked["part_numbers"])
        await route.continue_()

    await upload_page.page.route("**/api/get-signed-urls", sign)
    await upload_page.sign_in()

    await upload_page.choose(file)
    await upload_page.is_done("film.bin")

    assert batches == [[1, 2, 3]]


async def test_bucket_that_hides_etags_still_gets_the_file(
    upload_page: UploadPage, tmp_path: Path
) -> None:
    file = tmp_path / "note.txt"
    file.write_bytes(b"note")
    await upload_page.sign_in()

    async def hide_etag(route: Route) -> None:
        answer = await route.fetch()
        shown = {**answer.headers, "access-control-expose-headers": "Location"}
        await route.fulfill(response=answer, headers=shown)

    await upload_page.page.route("**partNumber=*", hide_etag)
    await upload_page.choose(file)
    await upload_page.is_done("note.txt")

    assert upload_page.times_sent("note.txt") == {1: 1}
    (key,) = upload_page.keys("note.txt")
    assert upload_page.bucket.download(key).body == b"note"


async def test_file_over_the_limit_is_explained_and_can_be_removed(
    upload_page: UploadPage, tmp_path: Path
) -> None:
    file = tmp_path / "huge.bin"
    with file.open("wb") as huge:
        huge.truncate(41 * MIB)
    await upload_page.sign_in()

    await upload_page.choose(file)
    await upload_page.shows("huge.bin", "over the limit of 41.9 MB")
    await expect(upload_page.button("Retry", "huge.bin")).to_be_hidden()
    await upload_page.press("Remove", "huge.bin")

    await expect(upload_page.row("huge.bin")).to_have_count(0)
