"""Each log message is one line without terminal control characters."""

from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.entrypoints.cli.logs import OneLine
from multipart_upload.entrypoints.terminal import escape_unprintable

TEXT = st.text(st.characters() | st.sampled_from("\u202e\u2066\x1b\r\n\t\u2028\x9b"))


def format_line(message: str, *values: object) -> str:
    return OneLine().format(logging.makeLogRecord({"msg": message, "args": values}))


@given(TEXT)
def test_a_log_message_is_one_printable_line(text: str) -> None:
    line = format_line("refused: %s", text)

    assert line.isprintable()
    assert len(line.splitlines()) == 1


@given(TEXT)
def test_escaped_text_is_printable_and_escaping_is_idempotent(text: str) -> None:
    shown = escape_unprintable(text)

    assert shown.isprintable()
    assert escape_unprintable(shown) == shown


def test_printable_text_is_not_escaped() -> None:
    assert escape_unprintable("alice/Zo\u00eb \u540d.mp4") == "alice/Zo\u00eb \u540d.mp4"
    assert escape_unprintable("a\u202eb\n\x1b") == r"a\u202eb\n\x1b"
