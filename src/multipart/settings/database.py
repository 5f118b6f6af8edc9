"""Settings of the session database."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from .values import matching


class DatabaseSettings(BaseSettings):
    """Where the sessions are stored."""

    mongo_uri: SecretStr | None = Field(
        default=None,
        description="MongoDB that stores the upload sessions. MONGO_URI or DATABASE_URL is "
        "required; MONGO_URI wins if both are set.",
    )
    mongo_database: (
        Annotated[
            str,
            matching(
                r"[^/\\. \"$*<>:|?]{1,63}",
                'must be 1 to 63 characters other than spaces and / \\ . " $ * < > : | ?',
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Name of the MongoDB database. "
        "Default: the database in MONGO_URI, otherwise multipart.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="SQL database that stores the upload sessions when MONGO_URI is not set "
        "(one of them is required): "
        "sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE.",
    )
    session_repository: str | None = Field(
        default=None,
        description="Entry point of an installed session repository that replaces MONGO_URI and "
        "DATABASE_URL.",
    )
