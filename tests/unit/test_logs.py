"""Log lines are one line each, and hold no character that a terminal obeys."""

from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.entrypoints.cli.logs import OneLine
from multipart_upload.entrypoints.terminal import escape_unprintable

TEXT = st.text(st.characters() | st.sampled_from("\u202e\u2066\x1b\r\n\t\u2028\x9b"))


def line_of(message: str, *values: object) -> str:
    return OneLine().format(logging.makeLogRecord({"msg": message, "args": values}))


@given(TEXT)
def test_a_log_message_is_one_printable_line(text: str) -> None:
    line = line_of("refused: %s", text)

    assert line.isprintable()
    assert len(line.splitlines()) == 1


@given(TEXT)
def test_text_is_shown_escaped_and_only_where_it_must_be(text: str) -> None:
    shown = escape_unprintable(text)

    assert shown.isprintable()
    assert escape_unprintable(shown) == shown


def test_ordinary_text_is_shown_as_it_is() -> None:
    assert escape_unprintable("alice/Zo\u00eb \u540d.mp4") == "alice/Zo\u00eb \u540d.mp4"
    assert escape_unprintable("a\u202eb\n\x1b") == r"a\u202eb\n\x1b"
