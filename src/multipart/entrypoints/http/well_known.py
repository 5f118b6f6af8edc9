"""The public keys of receipts, where other systems expect them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from msgspec import Meta, Struct

from ...application.issue_receipt import IssueReceipt
from .problems.openapi import document_problems

# A verifier that meets an unknown key asks again.
_CACHE: Final = {"Cache-Control": "public, max-age=300"}


class KeySetAnswer(Struct, frozen=True):
    """A JSON Web Key Set (RFC 7517)."""

    keys: Annotated[
        Sequence[Mapping[str, str]],
        Meta(description="Public keys: the one that signs receipts, then earlier ones."),
    ]


class WellKnownController(Controller):
    """Public keys."""

    path = "/.well-known"
    tags = ("Receipts",)

    @get(
        "/jwks.json",
        operation_id="getReceiptKeys",
        summary="Get the public keys of receipts",
        responses=document_problems(503),
    )
    async def keys(self, issue_receipt: NamedDependency[IssueReceipt]) -> Response[KeySetAnswer]:
        """Get the keys that verify the receipts of completed uploads; anybody may read them."""
        return Response(KeySetAnswer(issue_receipt.public_keys), headers=_CACHE)
