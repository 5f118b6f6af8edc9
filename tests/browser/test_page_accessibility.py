"""The page works with a keyboard, a screen reader, in dark mode and on a phone."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.async_api import Browser, FileChooser, ViewportSize, expect

from tests.e2e.service import Service
from tests.e2e.upload import MIB, some_bytes
from tests.patience import PATIENCE_SECONDS

from .gate import Gate
from .upload_page import UploadPage

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

NAME: Final = "film.bin"
# Lines of the accessibility tree for controls without a name.
_UNNAMED: Final = re.compile(
    r"^\s*- (button|textbox|link|progressbar|heading|table|dialog|region)(?: \[[^]]*\])*:?$",
    re.MULTILINE,
)
# The contrast of every visible text with its background (WCAG 2), lowest first.
_POOR_CONTRASTS: Final = """
() => {
    const linear = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const luminance = ([red, green, blue]) =>
        0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
    const rgba = (colour) => {
        const [red, green, blue, alpha = 1] = colour.match(/[\\d.]+/g).map(Number);
        return [red, green, blue, alpha];
    };
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = rgba(getComputedStyle(at).backgroundColor);
            if (colour[3] === 1) return colour;
        }
        throw new Error("nothing is painted");
    };
    const ratio = (element) => {
        const [light, dark] = [rgba(getComputedStyle(element).color), behind(element)]
            .map(luminance).sort((one, other) => other - one);
        return (light + 0.05) / (dark + 0.05);
    };
    return [...document.querySelectorAll("body *")]
        .filter((element) => element.checkVisibility())
        .filter((element) => [...element.childNodes].some(
            (node) => node.nodeType === Node.TEXT_NODE && node.data.trim()))
        .map((element) => [ratio(element), element.textContent.trim()])
        .filter(([found]) => found < 4.5)
        .sort(([one], [other]) => one - other);
}
"""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    file = tmp_path / NAME
    file.write_bytes(some_bytes(9 * MIB))
    return file


async def press_tab_until(page: UploadPage, role: Literal["button", "textbox"], name: str) -> None:
    """Press Tab until the element has the focus."""
    wanted = page.page.get_by_role(role, name=name)
    for _ in range(20):
        await page.page.keyboard.press("Tab")
        if await wanted.evaluate_all("found => found.includes(document.activeElement)"):
            return
    pytest.fail(f"Tab does not reach {name}")


async def test_page_works_with_the_keyboard_alone(upload_page: UploadPage, film: Path) -> None:
    page = upload_page.page
    gate = await Gate.before_all_parts_but(upload_page, set())
    choosers: asyncio.Queue[FileChooser] = asyncio.Queue()
    # Before the key press, or Chromium may open its own file dialog.
    page.on("filechooser", choosers.put_nowait)

    await press_tab_until(upload_page, "textbox", "Uploading as")
    await page.keyboard.type(upload_page.user)
    await page.keyboard.press("Enter")
    await press_tab_until(upload_page, "button", "Choose files")
    await page.keyboard.press("Enter")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await (await choosers.get()).set_files(film)
    await expect(upload_page.button("Pause", NAME)).to_be_visible()
    await press_tab_until(upload_page, "button", f"Pause {NAME}")
    await page.keyboard.press("Enter")
    await upload_page.shows(NAME, "Paused")
    gate.open()
    # The same button with another label: the focus has stayed.
    await expect(upload_page.button("Resume", NAME)).to_be_focused()
    await page.keyboard.press("Enter")
    await upload_page.is_done(NAME)
    # Or on the heading, if there was a moment without a button during the complete.
    await expect(upload_page.row(NAME).locator(":focus")).to_have_count(1)
    await press_tab_until(upload_page, "button", f"Remove {NAME}")
    await page.keyboard.press("Enter")

    await expect(upload_page.row(NAME)).to_have_count(0)
    await expect(page.get_by_role("button", name="Choose files")).to_be_focused()


async def test_escape_keeps_an_upload_and_restores_the_focus(
    upload_page: UploadPage, film: Path
) -> None:
    gate = await Gate.before_all_parts_but(upload_page, set())
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.button("Cancel", NAME).focus()

    await upload_page.page.keyboard.press("Enter")
    await expect(upload_page.page.get_by_role("dialog")).to_contain_text(NAME)
    await upload_page.page.keyboard.press("Escape")
    await expect(upload_page.button("Cancel", NAME)).to_be_focused()
    gate.open()

    await upload_page.is_done(NAME)


async def test_every_control_has_an_accessible_name(upload_page: UploadPage, film: Path) -> None:
    gate = await Gate.before_all_parts_but(upload_page, set())
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.session_state(NAME, "Started")
    await upload_page.row(NAME).locator("summary").click()

    tree = await upload_page.page.locator("body").aria_snapshot()
    gate.open()

    assert "progressbar" in tree
    assert [found[0].strip() for found in _UNNAMED.finditer(tree)] == []
    await upload_page.is_done(NAME)


async def test_progress_is_announced_to_screen_readers(upload_page: UploadPage, film: Path) -> None:
    status = upload_page.page.get_by_role("status")
    gate = await Gate.before_all_parts_but(upload_page, set())
    await upload_page.sign_in()

    await upload_page.choose(film)
    await expect(status).to_contain_text(f"{NAME}: uploading.")
    await upload_page.press("Pause", NAME)
    await expect(status).to_contain_text(f"{NAME}: paused.")
    gate.open()
    await upload_page.press("Resume", NAME)

    await expect(status).to_contain_text(f"{NAME}: done.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_enough_contrast(
    upload_page: UploadPage, film: Path, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    await upload_page.page.emulate_media(color_scheme=scheme)
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as file:
        file.truncate(41 * MIB)
    await upload_page.sign_in()
    await upload_page.choose(film)
    await upload_page.is_done(NAME)
    await upload_page.session_state(NAME, "Completed")
    gate = await Gate.before_all_parts_but(upload_page, set())
    await upload_page.choose(huge, film)
    await upload_page.shows("huge.bin", "over the limit")
    await expect(upload_page.button("Pause", NAME)).to_be_visible()

    assert await upload_page.page.evaluate(_POOR_CONTRASTS) == []
    gate.open()


async def test_page_needs_no_horizontal_scrolling_on_a_phone(
    upload_page: UploadPage, tmp_path: Path
) -> None:
    file = tmp_path / f"{'a-very-long-name' * 8}.bin"
    file.write_bytes(some_bytes(9 * MIB))
    page = upload_page.page
    await page.set_viewport_size(ViewportSize(width=320, height=640))
    await upload_page.sign_in()
    await upload_page.choose(file)
    await upload_page.session_state(file.name, "Completed")

    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    heights = [
        (await button.bounding_box() or {"height": 0})["height"]
        for button in await page.get_by_role("listitem").get_by_role("button").all()
    ]
    assert heights
    assert min(heights) >= 44


async def test_phone_is_not_asked_to_drop_files(
    page_browser: Browser, page_service: Service
) -> None:
    context = await page_browser.new_context(is_mobile=True, has_touch=True)
    page = await context.new_page()
    await page.goto(page_service.url)

    await expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    await expect(page.get_by_text("Drop files here")).to_be_hidden()
    await context.close()


async def test_page_loads_nothing_from_other_origins(upload_page: UploadPage) -> None:
    await upload_page.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.hasRun = true";
            document.body.append(script);
        }"""
    )

    assert await upload_page.page.evaluate("window.hasRun") is None
    violations = await upload_page.policy_violations()
    assert [violation.split()[0] for violation in violations] == ["script-src-elem"]
    await upload_page.page.evaluate("window.violations.length = 0")
