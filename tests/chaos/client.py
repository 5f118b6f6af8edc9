"""A client that keeps uploading files while servers are killed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import md5
from random import Random
from threading import Event
from typing import Any, Final
from uuid import UUID

import httpx

from multipart_upload.domain.part import bare_etag
from tests.e2e.upload import Upload, answer

from .connections import Connections, UnexpectedAnswer
from .history import UploadHistory, digest
from .workload import Cut, End, Workload, random_workload

MAX_UPLOADS: Final = 1_000
_ATTEMPTS: Final = 5
_FILE: Final = {"user_id": "ada", "filename": "film.bin", "content_type": "video/mp4"}


class Client:
    """Record everything acknowledged. With `store_may_lose`, S3 itself may lose an open upload."""

    def __init__(self, name: str, where: Callable[[], str], *, store_may_lose: bool) -> None:
        self.histories: list[UploadHistory] = []
        self._random = Random(name)  # noqa: S311
        self._connections = Connections(where, self._random)
        self._store_may_lose = store_may_lose

    def upload_until(self, enough: Event) -> None:
        """Upload files until the event is set, and finish the last one."""
        for _ in range(MAX_UPLOADS):
            if enough.is_set():
                break
            self._run(random_workload(self._random))
        self._connections.close()

    def _run(self, workload: Workload) -> None:
        history = UploadHistory(self._start_upload(workload), digest(workload.parts), workload.end)
        self.histories.append(history)
        *first, last = workload.slices
        self._send(history, workload, first)
        if workload.cut is Cut.NONE:
            self._send(history, workload, [last])
        else:
            history.uncertain.add(last)
            self._connections.abandon_put_halfway(history.upload, last, workload.slices[last])
            self._resume(history, workload)
        self._end(history, workload)

    def _start_upload(self, workload: Workload) -> Upload:
        """Start an upload, and start another if the sweep has expired the first attempt's."""
        body: dict[str, Any] = {
            **_FILE,
            **({"size": workload.size} if workload.is_declared else {}),
        }
        for _ in range(_ATTEMPTS):
            key = UUID(bytes=self._random.randbytes(16)).hex
            response = self._start(body, {"Idempotency-Key": key} if workload.has_key else {})
            if response.status_code != httpx.codes.CONFLICT:
                started = answer(response)
                if started["status"] != "expired":
                    return Upload(self._connections.api, _FILE["user_id"], started)
        msg = f"not started in {_ATTEMPTS} attempts"
        raise UnexpectedAnswer(msg)

    def _start(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> httpx.Response:
        api = self._connections.api
        return self._connections.ask(
            lambda: api.post("/api/start-upload", json=body, headers=headers)
        )

    def _send(self, history: UploadHistory, workload: Workload, numbers: Sequence[int]) -> None:
        for number in numbers:
            part = workload.slices[number]
            self._report(
                history, number, self._connections.put(history.upload, number, part), len(part)
            )

    def _report(self, history: UploadHistory, number: int, etag: str, size: int) -> None:
        answer(self._connections.ask(lambda: history.upload.record(number, etag, size=size)))
        history.parts[number] = bare_etag(etag)

    def _resume(self, history: UploadHistory, workload: Workload) -> None:
        """Continue after a PUT that was cut: what S3 stored of it is unknown."""
        etags = {
            number: md5(part).hexdigest()  # noqa: S324  # an ETag is one
            for number, part in workload.slices.items()
        }
        last = len(etags)
        if workload.cut is Cut.REPORTS:
            self._report(history, last, etags[last], len(workload.slices[last]))
            return
        # Compare ETags, not sizes: versitygw keeps a cut PUT at its full length, with wrong bytes
        # at its end.
        held = answer(self._connections.ask(history.upload.list_parts))["parts"]
        intact = {part["part_number"] for part in held if part["etag"] in etags.values()}
        self._send(history, workload, sorted(etags.keys() - intact))

    def _end(self, history: UploadHistory, workload: Workload) -> None:
        if workload.end is End.COMPLETE:
            self._complete(history, workload)
        elif workload.end is End.ABORT:
            response = self._request_end(history.upload.abort, workload)
            history.is_aborted = response is not None and bool(answer(response))

    def _complete(self, history: UploadHistory, workload: Workload) -> None:
        for _ in range(_ATTEMPTS):
            response = self._request_end(history.upload.complete, workload)
            if response is None:
                return
            if response.status_code != httpx.codes.CONFLICT:
                history.completed = answer(response)
                return
            self._send(history, workload, self._parts_to_resend(history, workload, response.json()))
        msg = f"{history.id} cannot be completed in {_ATTEMPTS} attempts"
        raise UnexpectedAnswer(msg)

    def _request_end(
        self, call: Callable[[], httpx.Response], workload: Workload
    ) -> httpx.Response | None:
        return (
            self._connections.ask(call)
            if workload.retries_end
            else self._connections.ask_once(call)
        )

    def _parts_to_resend(
        self, history: UploadHistory, workload: Workload, refusal: Mapping[str, Any]
    ) -> Sequence[int]:
        """Return the parts to send again: S3 may only lack parts whose PUT this client has cut."""
        if refusal["code"] == "store-upload-gone" and self._store_may_lose:
            history.parts.clear()
            return list(workload.slices)
        lacking = {*refusal.get("missing_parts", []), *refusal.get("mismatched_parts", [])}
        if not lacking or not lacking <= history.uncertain:
            msg = f"{history.id}, of which {sorted(history.parts)} were acknowledged: {refusal}"
            raise UnexpectedAnswer(msg)
        return sorted(lacking)
