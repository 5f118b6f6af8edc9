"""A client that uploads one file after the other, whatever is killed meanwhile."""

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

from .history import Told, digest
from .line import Broken, Line
from .workload import Cut, End, Workload, errand

MAX_UPLOADS: Final = 1_000
_ATTEMPTS: Final = 5
_FILE: Final = {"user_id": "ada", "filename": "film.bin", "content_type": "video/mp4"}


class Client:
    """Keeps what it was told. `store_may_lose` is whether S3 itself may lose an open upload."""

    def __init__(self, name: str, where: Callable[[], str], *, store_may_lose: bool) -> None:
        self.told: list[Told] = []
        self._random = Random(name)  # noqa: S311
        self._line = Line(where, self._random)
        self._store_may_lose = store_may_lose

    def upload_until(self, enough: Event) -> None:
        """Upload files; the last one, too, is brought to its end."""
        for _ in range(MAX_UPLOADS):
            if enough.is_set():
                break
            self._run(errand(self._random))
        self._line.close()

    def _run(self, errand: Workload) -> None:
        told = Told(self._started(errand), digest(errand.parts), errand.end)
        self.told.append(told)
        *first, last = errand.slices
        self._send(told, errand, first)
        if errand.cut is Cut.NONE:
            self._send(told, errand, [last])
        else:
            told.doubtful.add(last)
            self._line.die_amid_put(told.upload, last, errand.slices[last])
            self._resume(told, errand)
        self._end(told, errand)

    def _started(self, errand: Workload) -> Upload:
        """Start, and start anew where the sweep has ended what the first try had left."""
        body: dict[str, Any] = {**_FILE, **({"size": errand.size} if errand.is_declared else {})}
        for _ in range(_ATTEMPTS):
            key = UUID(bytes=self._random.randbytes(16)).hex
            response = self._start(body, {"Idempotency-Key": key} if errand.has_key else {})
            if response.status_code != httpx.codes.CONFLICT:
                started = answer(response)
                if started["status"] != "expired":
                    return Upload(self._line.api, _FILE["user_id"], started)
        msg = f"not started in {_ATTEMPTS} attempts"
        raise Broken(msg)

    def _start(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> httpx.Response:
        api = self._line.api
        return self._line.asked(lambda: api.post("/api/start-upload", json=body, headers=headers))

    def _send(self, told: Told, errand: Workload, numbers: Sequence[int]) -> None:
        for number in numbers:
            part = errand.slices[number]
            self._report(told, number, self._line.put(told.upload, number, part), len(part))

    def _report(self, told: Told, number: int, etag: str, size: int) -> None:
        answer(self._line.asked(lambda: told.upload.record(number, etag, size=size)))
        told.parts[number] = bare_etag(etag)

    def _resume(self, told: Told, errand: Workload) -> None:
        """Go on after a PUT of which only the bytes sent are known, not what S3 made of them."""
        etags = {
            number: md5(part).hexdigest()  # noqa: S324  # an ETag is one
            for number, part in errand.slices.items()
        }
        last = len(etags)
        if errand.cut is Cut.REPORTS:
            self._report(told, last, etags[last], len(errand.slices[last]))
            return
        # By the ETag, not the size: versitygw keeps what was cut at full length, wrong at its end.
        held = answer(self._line.asked(told.upload.list_parts))["parts"]
        intact = {part["part_number"] for part in held if part["etag"] in etags.values()}
        self._send(told, errand, sorted(etags.keys() - intact))

    def _end(self, told: Told, errand: Workload) -> None:
        if errand.end is End.COMPLETE:
            self._complete(told, errand)
        elif errand.end is End.ABORT:
            response = self._asked_for_the_end(told.upload.abort, errand)
            told.is_aborted = response is not None and bool(answer(response))

    def _complete(self, told: Told, errand: Workload) -> None:
        for _ in range(_ATTEMPTS):
            response = self._asked_for_the_end(told.upload.complete, errand)
            if response is None:
                return
            if response.status_code != httpx.codes.CONFLICT:
                told.completed = answer(response)
                return
            self._send(told, errand, self._lacking(told, errand, response.json()))
        msg = f"{told.id} cannot be completed in {_ATTEMPTS} attempts"
        raise Broken(msg)

    def _asked_for_the_end(
        self, call: Callable[[], httpx.Response], errand: Workload
    ) -> httpx.Response | None:
        return self._line.asked(call) if errand.insists else self._line.asked_once(call)

    def _lacking(self, told: Told, errand: Workload, refusal: Mapping[str, Any]) -> Sequence[int]:
        """Give the parts to send again: S3 may lack what this client has cut, and nothing else."""
        if refusal["code"] == "store-upload-gone" and self._store_may_lose:
            told.parts.clear()
            return list(errand.slices)
        lacking = {*refusal.get("missing_parts", []), *refusal.get("mismatched_parts", [])}
        if not lacking or not lacking <= told.doubtful:
            msg = f"{told.id}, of which {sorted(told.parts)} were acknowledged: {refusal}"
            raise Broken(msg)
        return sorted(lacking)
