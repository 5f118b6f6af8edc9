"""What `mpu put` shows: a live display, lines of JSON, or errors only."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

import click
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import (
    Progress as Display,
)

from ..errors import ServiceError
from ..models import Progress, UploadReference, UploadResult
from .inputs import Input

PAUSED: Final = "Paused. Run the same command again to resume."


class Report(Protocol):
    """Is called while files are uploaded."""

    def start(self, file: Input, reference: UploadReference) -> None: ...
    def advance(self, file: Input, progress: Progress) -> None: ...
    def complete(self, file: Input, result: UploadResult) -> None: ...
    def fail(self, file: Input, error: Exception) -> None: ...
    def pause(self) -> None: ...


class QuietReport:
    """Errors only, on standard error."""

    def start(self, file: Input, reference: UploadReference) -> None:
        pass

    def advance(self, file: Input, progress: Progress) -> None:
        pass

    def complete(self, file: Input, result: UploadResult) -> None:
        pass

    def fail(self, file: Input, error: Exception) -> None:
        click.echo(f"mpu: {file.label}: {describe(error)}", err=True)

    def pause(self) -> None:
        click.echo(f"mpu: {PAUSED}", err=True)


class JsonReport:
    """One line of JSON for every event, on standard output."""

    def __init__(self) -> None:
        self._resumed: dict[Input, int] = {}

    def start(self, file: Input, reference: UploadReference) -> None:
        _write_event("started", file, upload_id=reference.upload_id, key=reference.key)

    def advance(self, file: Input, progress: Progress) -> None:
        self._resumed[file] = progress.resumed

    def complete(self, file: Input, result: UploadResult) -> None:
        _write_event(
            "completed",
            file,
            upload_id=result.upload_id,
            key=result.key,
            location=result.location,
            etag=result.etag,
            size=result.size,
            checksum=result.checksum,
            verified=result.is_verified,
            resumed=self._resumed.get(file, 0),
        )

    def fail(self, file: Input, error: Exception) -> None:
        code = error.code if isinstance(error, ServiceError) else ""
        _write_event("failed", file, error=describe(error), code=code)

    def pause(self) -> None:
        _write_event("paused", None)


class LiveReport:
    """Progress per file and in total on a terminal, and a line for every file at its end."""

    def __init__(self, display: Display, files: Sequence[Input]) -> None:
        self._display = display
        sizes = [file.size for file in files]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        self._total = display.add_task("total", total=total, visible=len(files) > 1)
        self._rows: dict[Input, TaskID] = {}
        self._sent: dict[Input, int] = {}

    @classmethod
    @contextmanager
    def open(cls, files: Sequence[Input]) -> Iterator[LiveReport]:
        """Show the display, if standard output is a terminal, until the end of the block."""
        console = Console(soft_wrap=True, highlight=False)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Display(
            *columns,
            console=console,
            disable=not console.is_terminal,
            redirect_stderr=sys.stderr.isatty(),
        ) as display:
            yield cls(display, files)

    def start(self, file: Input, reference: UploadReference) -> None:
        pass

    def advance(self, file: Input, progress: Progress) -> None:
        if file not in self._rows:
            self._add_row(file, progress)
        self._display.update(self._rows[file], completed=progress.sent)
        self._display.advance(self._total, progress.sent - self._sent[file])
        self._sent[file] = progress.sent

    def complete(self, file: Input, result: UploadResult) -> None:
        self._remove_row(file)
        line = f"{file.label}  {decimal(result.size)}  {result.location}"
        self._display.console.print(line, markup=False)

    def fail(self, file: Input, error: Exception) -> None:
        self._remove_row(file)
        click.echo(f"mpu: {file.label}: {describe(error)}", err=True)

    def pause(self) -> None:
        click.echo(f"mpu: {PAUSED}", err=True)

    def _add_row(self, file: Input, progress: Progress) -> None:
        """Add a row. What an earlier run has sent is in neither the total nor the speed."""
        self._rows[file] = self._display.add_task(
            file.label, total=progress.size, completed=progress.resumed
        )
        self._sent[file] = progress.resumed
        (total,) = (task for task in self._display.tasks if task.id == self._total)
        if total.total is not None:
            self._display.update(self._total, total=total.total - progress.resumed)

    def _remove_row(self, file: Input) -> None:
        if (row := self._rows.pop(file, None)) is not None:
            self._display.remove_task(row)


def describe(error: Exception) -> str:
    """Return a message for people."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _write_event(event: str, file: Input | None, **members: Any) -> None:
    named = {} if file is None else {"file": file.label}
    click.echo(json.dumps({"event": event, **named, **members}))
