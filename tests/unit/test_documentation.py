"""The reference pages match the code."""

from __future__ import annotations

import re
from pathlib import Path
from runpy import run_path
from typing import Final

import pytest

from multipart_upload.domain.errors import UploadError

DOCS: Final = Path(__file__).parents[2] / "docs"
GENERATED: Final[dict[str, str]] = run_path(str(DOCS / "generate_reference.py"))["pages"]()


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_generated_pages_are_current(name: str) -> None:
    # `make docs` writes them.
    assert (DOCS / "reference" / name).read_text(encoding="utf-8") == GENERATED[name]


def test_every_error_code_of_the_domain_is_documented() -> None:
    documented = set(re.findall(r"`([a-z-]+)`", (DOCS / "reference/errors.md").read_text()))
    codes = {error.code for error in descendants(UploadError)} - {UploadError.code}

    assert codes - documented == set()


def descendants(error: type[UploadError]) -> set[type[UploadError]]:
    """List the subclasses of an error, at any depth."""
    found = {below for child in error.__subclasses__() for below in descendants(child)}
    return {*error.__subclasses__(), *found}
