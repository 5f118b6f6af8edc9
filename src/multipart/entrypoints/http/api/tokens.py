"""The route that makes upload tokens."""

from __future__ import annotations

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ....application.mint_upload_token import MintUploadToken
from ....domain.principal import Principal
from ..responses import JsonResponse
from .decorators import command
from .token_schemas import UploadTokenAnswer, UploadTokenRequest


class TokenController(Controller):
    """Make upload tokens."""

    path = "/api"
    tags = ("Upload tokens",)
    response_class = JsonResponse

    @command(
        "/upload-tokens",
        operation_id="createUploadToken",
        summary="Make an upload token",
        errors=(400, 409, 413, 415, 422),
    )
    async def create(
        self,
        data: JSONBody[UploadTokenRequest],
        principal: NamedDependency[Principal],
        mint_upload_token: NamedDependency[MintUploadToken],
    ) -> UploadTokenAnswer:
        """Sign a token that lets its bearer upload within limits, for callers that act for users.

        The bearer sees only the uploads that were started with the token.
        """
        return UploadTokenAnswer.of(mint_upload_token(data.to_domain(principal)))
