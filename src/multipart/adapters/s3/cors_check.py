"""Find out what keeps pages from a bucket: by asking as a browser does, and by its rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from ...domain.errors import StoreUnavailableError, UploadError
from .browser import Browser, NoAnswerError, is_exposed
from .client import S3Config, open_presigner, s3_client, s3_session
from .cors import CorsRefusedError, bucket_rules, refusal_to_write
from .cors_rules import EXPOSED, METHODS, WHY, exposes, find_rule, what_keeps_out
from .errors import QUICK_SECONDS, answered
from .presigner import Presigner

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_URL_LIFE: Final = timedelta(minutes=1)
_BY_SERVER: Final = (
    "The store has no rules of a bucket's own: allow these origins in the settings of its server."
)
_BY_OTHERS: Final = (
    "The bucket's rules would allow it: look at what answers for the store, such as a proxy."
)


@dataclass(slots=True)
class CorsReport:
    """What pages cannot do, in sentences; `is_rule_missing` tells that our rule would help.

    `hint` says what else would. `notes` say what could not be tried.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_rule_missing: bool = False
    hint: str | None = None


async def check_cors(config: S3Config, origins: Sequence[str], prefix: str = "") -> CorsReport:
    """Say what the bucket keeps pages of these origins from.

    Browsers' own requests decide, as a store may allow origins by its server's settings. Raise
    UploadError, which says why, where neither they nor the rules can be had.
    """
    session = s3_session(config)
    presigner = await open_presigner(session, config)
    async with s3_client(session, config) as client, Browser.open() as browser:
        check = _Check(config.bucket, client, presigner, browser, f"{prefix}cors-check-{uuid4()}")
        return await check.report(origins)


@dataclass(slots=True)
class _Check:
    bucket: str
    client: S3Client
    presigner: Presigner
    browser: Browser
    key: str
    rules: Sequence[Mapping[str, Any]] | None = None

    async def report(self, origins: Sequence[str]) -> CorsReport:
        refusal: CorsRefusedError | None = None
        try:
            self.rules = await bucket_rules(self.client, self.bucket)
        except CorsRefusedError as exc:
            if not exc.leaves_rules_unknown:
                raise
            refusal = exc
        try:
            report = await self._tried(origins)
        except NoAnswerError:
            if refusal is not None or self.rules is None:
                raise refusal or StoreUnavailableError from None
            report = self._read(origins, self.rules)
        if report.is_rule_missing and not self.rules:
            refusal = refusal or await refusal_to_write(self.client, self.bucket)
        if report.is_rule_missing and refusal is not None:
            report.is_rule_missing = False
            report.hint = _BY_SERVER if refusal.is_unknown_call else str(refusal)
        return report

    def _read(self, origins: Sequence[str], rules: Sequence[Mapping[str, Any]]) -> CorsReport:
        """Go by the rules alone."""
        host = urlsplit(self.presigner.origin).netloc
        report = CorsReport(notes=[f"{host} does not answer here: only the rules were read."])
        for origin, method in ((origin, method) for origin in origins for method in METHODS):
            kept_out = what_keeps_out(rules, origin, method)
            if kept_out is not None:
                report.problems.append(kept_out)
            elif (hidden := self._hidden_by_rule(rules, origin, method)) is not None:
                report.problems.append(hidden)
        report.is_rule_missing = bool(report.problems)
        return self._without_rules(report, len(origins))

    async def _tried(self, origins: Sequence[str]) -> CorsReport:
        """Ask as a browser does."""
        report = CorsReport()
        exposed = await self._exposed_to(origins)
        if exposed is None:
            report.notes.append("A part could not be sent: what its answer exposes is unknown.")
        for origin, method in ((origin, method) for origin in origins for method in METHODS):
            refusal = await self.browser.refusal_of(self._url(method), origin, method)
            if refusal is not None:
                self._add_refused(report, origin, method, refusal)
            elif (hidden := self._hidden(exposed, origin, method)) is not None:
                report.problems.append(hidden)
                report.is_rule_missing = True
        return self._without_rules(report, len(origins))

    def _add_refused(self, report: CorsReport, origin: str, method: str, refusal: str) -> None:
        by_rule = what_keeps_out(self.rules or [], origin, method)
        if by_rule is None:
            report.hint = _BY_OTHERS
        else:
            report.is_rule_missing = True
        tried = f"The store refuses {method} from {origin} to browsers: {refusal}."
        report.problems.append(by_rule if self.rules and by_rule else tried)

    def _without_rules(self, report: CorsReport, origins: int) -> CorsReport:
        # One sentence instead of the same for every origin and method.
        if self.rules == [] and len(report.problems) == origins * len(METHODS):
            report.problems = ["The bucket has no CORS rules: no page can send it anything."]
        return report

    def _hidden(self, exposed: Mapping[str, str] | None, origin: str, method: str) -> str | None:
        """Say which header of an answer a page needs and cannot read."""
        rules = self.rules or []
        # A form is not sent, as that would leave an object; nor is a part where that is refused.
        if exposed is None or (method == "POST" and find_rule(rules, origin, method)):
            return self._hidden_by_rule(rules, origin, method)
        header = EXPOSED.get(method)
        if header is None or is_exposed(exposed[origin], header):
            return None
        return f"The answer to {method} from {origin} does not expose {header}: {WHY[header]}."

    def _hidden_by_rule(
        self, rules: Sequence[Mapping[str, Any]], origin: str, method: str
    ) -> str | None:
        rule, header = find_rule(rules, origin, method), EXPOSED.get(method)
        if rule is None or header is None or exposes(rule, header):
            return None
        return f"The first rule for {method} from {origin} does not expose {header}: {WHY[header]}."

    def _url(self, method: str) -> str:
        location = self.presigner.location("" if method == "POST" else self.key)
        return f"{location}?partNumber=1&uploadId=none" if method == "PUT" else location

    async def _exposed_to(self, origins: Sequence[str]) -> Mapping[str, str] | None:
        """Send an empty part for pages of each origin; None if the store takes none."""
        try:
            async with self._upload() as url:
                found = {one: await self.browser.exposed_headers(url, one) for one in origins}
        except UploadError:
            return None
        known = {origin: names for origin, names in found.items() if names is not None}
        return known if len(known) == len(origins) else None

    @asynccontextmanager
    async def _upload(self) -> AsyncIterator[str]:
        """Open an upload, give the URL of a part, and abort it."""
        async with answered(QUICK_SECONDS):
            opened = await self.client.create_multipart_upload(Bucket=self.bucket, Key=self.key)
        upload_id = opened["UploadId"]
        try:
            signed = await self.presigner.sign_part(self.key, upload_id, 1, _URL_LIFE, None)
            yield signed.url
        finally:
            async with answered(QUICK_SECONDS):
                await self.client.abort_multipart_upload(
                    Bucket=self.bucket, Key=self.key, UploadId=upload_id
                )
