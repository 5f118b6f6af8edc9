"""Log lines as JSON."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.entrypoints.cli.json_logs import JsonLine

TEXT = st.text(st.characters() | st.sampled_from("\u202e\u2066\x1b\r\n\t\u2028\x9b"))


def format_line(message: str, *values: object, **members: object) -> str:
    record = {"msg": message, "args": values, "levelname": "INFO", "name": "service", **members}
    return JsonLine().format(logging.makeLogRecord(record))


def parse_line(message: str, *values: object, **members: object) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(format_line(message, *values, **members))
    return line


@given(TEXT)
def test_each_record_is_one_line_of_printable_json(text: str) -> None:
    line = format_line("refused: %s", text, user_id=text)

    assert line.isprintable()
    assert len(line.splitlines()) == 1


def test_state_change_has_its_ids() -> None:
    ids = {"upload_id": "u-1", "user_id": "ada", "from_state": "initiated", "to_state": "aborting"}
    line = parse_line("Upload %s", "u-1", **ids)

    assert line.pop("timestamp").endswith("Z")
    assert line == {"message": "Upload u-1", "level": "info", "logger": "service", **ids}


def test_exception_is_its_type_and_location_without_its_text() -> None:
    def fail() -> None:
        msg = "https://s3/?X-Amz-Signature=secret"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="Signature") as caught:
        fail()
    error = caught.value
    line = parse_line("failed", exc_info=(ValueError, error, error.__traceback__))

    assert line["error"].startswith("ValueError in fail, ")
    assert "secret" not in json.dumps(line)


def test_other_attributes_of_a_record_are_left_out() -> None:
    assert "url" not in parse_line("sent", url="https://s3/?X-Amz-Signature=secret")
