"""Options of `mpu`, its lists, and its live display."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.progress import Progress as Display

from multipart_upload_client import Progress, UploadReference
from multipart_upload_client.cli import main
from multipart_upload_client.cli.inputs import Input
from multipart_upload_client.cli.options import Rate
from multipart_upload_client.cli.put import default_state_folder
from multipart_upload_client.cli.reports import LiveReport

from .environment import Environment, some_file
from .mpu import Mpu

API = ("--api", "http://service")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["put"], "Missing argument 'FILE...'"),
        (["put", "file"], "Missing option '--api'"),
        (["put", "file", "--api", "service"], "must begin with http:// or https://"),
        (["put", "file", *API, "--parallel", "0"], "not in the range"),
        (["put", "file", *API, "--limit-rate", "fast"], "must be over 0"),
        (["put", "file", *API, "--limit-rate", "0"], "must be over 0"),
        (["put", "file", *API, "--token", "t", "--api-key", "k"], "give only one of"),
        (["put", "empty", *API], "there are no files"),
        (["list", *API, "--status", "done"], "is not one of"),
        (["abort", *API], "Missing argument 'UPLOAD_ID...'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_options_exit_with_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize(
    ("text", "rate"), [("100", 100), ("500k", 512_000), ("2.5M", 2_621_440), ("1G", 2**30)]
)
def test_rate_may_have_a_unit(text: str, rate: float) -> None:
    assert Rate().convert(text, None, None) == rate


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_printed(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert f"_MPU_COMPLETE={shell}_complete" in result.output


def test_version_is_that_of_the_distribution() -> None:
    assert "0.1.0" in CliRunner().invoke(main, ["--version"]).output


def test_state_is_kept_where_the_desktop_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_state_folder() == Path("/state/mpu")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/alice")
    assert default_state_folder() == Path("/home/alice/.local/state/mpu")


def test_live_display_counts_what_is_sent_in_this_run(tmp_path: Path) -> None:
    first, second = (Input(name, some_file(tmp_path / name, 100)) for name in ("a", "b"))
    display = Display(console=Console(file=io.StringIO(), force_terminal=True))
    report = LiveReport(display, [first, second])
    report.advance(first, Progress("a", 60, 100, 60, 1, 2))
    report.advance(first, Progress("a", 90, 100, 60, 1, 2))
    report.advance(second, Progress("b", 10, 100, 0, 0, 2))
    report.advance(second, Progress("b", 5, 100, 0, 0, 2))
    rows = {task.description: (task.completed, task.total) for task in display.tasks}
    assert rows == {"total": (35, 140), "a": (90, 100), "b": (5, 100)}


def test_total_is_unknown_with_a_stream(tmp_path: Path) -> None:
    file = Input("a", some_file(tmp_path / "a", 100))
    display = Display(console=Console(file=io.StringIO()))
    LiveReport(display, [file, Input("-", None)])
    assert [task.total for task in display.tasks] == [None]


@pytest.mark.e2e
def test_uploads_are_listed_shown_and_aborted(environment: Environment, file: Path) -> None:
    mpu = Mpu(environment)
    started: list[UploadReference] = []

    def stop(reference: UploadReference) -> None:
        started.append(reference)
        raise BlockingIOError

    with environment.client() as client:
        with pytest.raises(BlockingIOError):
            client.upload(file, on_started=stop)
        small = client.upload(some_file(file.parent / "small.txt", 3))
    upload_id = started[0].upload_id

    listed = mpu.run("list")
    assert listed.code == 0, listed.errors
    lines = [line.split() for line in listed.output.splitlines()]
    assert [(line[0], line[1], line[-1]) for line in lines] == [
        (small.upload_id, "completed", "small.txt"),
        (upload_id, "initiated", "film.bin"),
    ]
    completed = mpu.run("list", "--json", "--status", "completed").event
    assert (completed["key"], completed["size"]) == (small.key, 3)

    shown = mpu.run("status", upload_id)
    assert "parts     0 of 3, 0 bytes" in shown.output
    assert json.loads(mpu.run("status", upload_id, "--json").output)["missing_parts"] == [1, 2, 3]

    aborted = mpu.run("abort", upload_id)
    assert (aborted.code, aborted.output) == (0, f"{upload_id}  aborted\n")
    assert mpu.run("list", "--json", "--status", "aborted").event["upload_id"] == upload_id


@pytest.mark.e2e
@pytest.mark.parametrize("command", ["status", "abort"])
def test_unknown_upload_exits_with_1(environment: Environment, command: str) -> None:
    ended = Mpu(environment).run(command, "unknown")
    assert (ended.code, ended.errors) == (1, "Error: You have no upload unknown.\n")


@pytest.mark.e2e
def test_refused_list_exits_with_1(environment: Environment) -> None:
    ended = Mpu(environment).run("list", "--user", "u" * 129)
    assert ended.code == 1
    assert "user_id" in ended.errors
