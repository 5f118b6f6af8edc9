"""Find out what prevents pages from using a bucket: by a browser's requests and by its rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from uuid import uuid4

from ...domain.errors import StoreUnavailableError, UploadError
from .browser import Browser, NoAnswerError, is_listed
from .client import S3Config, create_session, open_client
from .cors import (
    EXPOSED_HEADERS,
    METHODS,
    WHY_EXPOSED,
    CorsRefusedError,
    Rule,
    explain_refusal,
    find_rule,
    find_write_refusal,
    is_exposed,
    read_rules,
)
from .errors import REQUEST_SECONDS, translate_errors
from .presigner import Presigner, resolve_bucket_url

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_URL_LIFETIME: Final = timedelta(minutes=1)
_SERVER_SETTINGS: Final = (
    "The store has no CORS rules per bucket: allow these origins in the settings of its server."
)
_OTHER_SERVER: Final = (
    "The bucket's rules would allow it: check what answers in place of the store, such as a proxy."
)


@dataclass(slots=True)
class CorsReport:
    """What pages cannot do, one sentence each.

    `is_rule_missing` is true if our rule would help; `hint` names another remedy. `notes` name what
    could not be checked.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_rule_missing: bool = False
    hint: str | None = None


async def check_cors(config: S3Config, origins: Sequence[str], prefix: str = "") -> CorsReport:
    """Report what pages of these origins cannot do with the bucket.

    The results of a browser's requests decide, because a store may also allow origins in its
    server's settings. Raise UploadError with the reason if neither requests nor rules can be
    checked.
    """
    session = create_session(config)
    bucket_url = resolve_bucket_url(config, session.get_component("data_loader"))
    presigner = Presigner(session, bucket_url)
    async with open_client(session, config) as client, Browser.open() as browser:
        check = _Check(config.bucket, client, presigner, browser, f"{prefix}cors-check-{uuid4()}")
        return await check.run(origins)


@dataclass(slots=True)
class _Check:
    bucket: str
    client: S3Client
    presigner: Presigner
    browser: Browser
    key: str
    rules: Sequence[Rule] | None = None

    async def run(self, origins: Sequence[str]) -> CorsReport:
        refusal: CorsRefusedError | None = None
        try:
            self.rules = await read_rules(self.client, self.bucket)
        except CorsRefusedError as exc:
            if not exc.leaves_rules_unknown:
                raise
            refusal = exc
        try:
            report = await self._check_by_requests(origins)
        except NoAnswerError:
            if refusal is not None or self.rules is None:
                raise refusal or StoreUnavailableError from None
            report = self._check_by_rules(origins, self.rules)
        if report.is_rule_missing and not self.rules:
            refusal = refusal or await find_write_refusal(self.client, self.bucket)
        if report.is_rule_missing and refusal is not None:
            report.is_rule_missing = False
            report.hint = _SERVER_SETTINGS if refusal.is_unknown_call else str(refusal)
        return report

    def _check_by_rules(self, origins: Sequence[str], rules: Sequence[Rule]) -> CorsReport:
        host = urlsplit(self.presigner.bucket_url.origin).netloc
        report = CorsReport(notes=[f"{host} does not answer here: only the rules were read."])
        for origin, method in product(origins, METHODS):
            problem = explain_refusal(rules, origin, method)
            problem = problem or self._explain_hidden_by_rule(rules, origin, method)
            if problem is not None:
                report.problems.append(problem)
        report.is_rule_missing = bool(report.problems)
        return self._summarize(report, len(origins))

    async def _check_by_requests(self, origins: Sequence[str]) -> CorsReport:
        report = CorsReport()
        exposed = await self._read_exposed_headers(origins)
        if exposed is None:
            report.notes.append("A part could not be sent: what its answer exposes is unknown.")
        for origin, method in product(origins, METHODS):
            refusal = await self.browser.send_preflight(self._url(method), origin, method)
            if refusal is not None:
                self._add_refusal(report, origin, method, refusal)
            elif (hidden := self._explain_hidden(exposed, origin, method)) is not None:
                report.problems.append(hidden)
                report.is_rule_missing = True
        return self._summarize(report, len(origins))

    def _add_refusal(self, report: CorsReport, origin: str, method: str, refusal: str) -> None:
        by_rule = explain_refusal(self.rules or [], origin, method)
        if by_rule is None:
            report.hint = _OTHER_SERVER
        else:
            report.is_rule_missing = True
        by_preflight = f"The store refuses {method} from {origin} to browsers: {refusal}."
        report.problems.append(by_rule if self.rules and by_rule else by_preflight)

    def _summarize(self, report: CorsReport, origins: int) -> CorsReport:
        # One sentence instead of the same for every origin and method.
        if self.rules == [] and len(report.problems) == origins * len(METHODS):
            report.problems = ["The bucket has no CORS rules: no page can send it anything."]
        return report

    def _explain_hidden(
        self, exposed: Mapping[str, str] | None, origin: str, method: str
    ) -> str | None:
        """Name the response header that a page needs and cannot read."""
        rules = self.rules or []
        # No form is sent, as it would create an object, and no part where S3 refuses one.
        if exposed is None or (method == "POST" and find_rule(rules, origin, method)):
            return self._explain_hidden_by_rule(rules, origin, method)
        header = EXPOSED_HEADERS.get(method)
        if header is None or is_listed(exposed[origin], header):
            return None
        why = WHY_EXPOSED[header]
        return f"The answer to {method} from {origin} does not expose {header}: {why}."

    def _explain_hidden_by_rule(
        self, rules: Sequence[Rule], origin: str, method: str
    ) -> str | None:
        rule, header = find_rule(rules, origin, method), EXPOSED_HEADERS.get(method)
        if rule is None or header is None or is_exposed(rule, header):
            return None
        why = WHY_EXPOSED[header]
        return f"The first rule for {method} from {origin} does not expose {header}: {why}."

    def _url(self, method: str) -> str:
        location = self.presigner.location("" if method == "POST" else self.key)
        return f"{location}?partNumber=1&uploadId=none" if method == "PUT" else location

    async def _read_exposed_headers(self, origins: Sequence[str]) -> Mapping[str, str] | None:
        """Send an empty part for pages of each origin; None if the store refuses one."""
        exposed: dict[str, str] = {}
        try:
            async with self._open_upload() as url:
                for origin in origins:
                    names = await self.browser.send_empty_part(url, origin)
                    if names is None:
                        return None
                    exposed[origin] = names
        except UploadError:
            return None
        return exposed

    @asynccontextmanager
    async def _open_upload(self) -> AsyncIterator[str]:
        """Open an upload, yield the URL of a part, and abort the upload."""
        async with translate_errors(REQUEST_SECONDS):
            opened = await self.client.create_multipart_upload(Bucket=self.bucket, Key=self.key)
        upload_id = opened["UploadId"]
        try:
            signed = await self.presigner.sign_part(self.key, upload_id, 1, _URL_LIFETIME, None)
            yield signed.url
        finally:
            async with translate_errors(REQUEST_SECONDS):
                await self.client.abort_multipart_upload(
                    Bucket=self.bucket, Key=self.key, UploadId=upload_id
                )
