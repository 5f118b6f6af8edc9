"""Settings from the environment and `.env`; errors are one line that names the setting."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from multipart_upload.entrypoints.cli import main
from multipart_upload.settings import SettingsError, load_settings
from multipart_upload.stores import choose_store

SECRET = "do-not-show-me"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Clear the environment and work in a folder without `.env`."""
    for name in os.environ:
        if re.match(
            "AWS_|AZURE_|S3_|MONGO_|DATABASE_|CORS_|LOG_|LEASE_|SIGNED_|UPLOAD_|MAX_|WAIT_|SWEEP_|RETENTION_|COMPANION_|WEB_",
            name,
        ):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S3_BUCKET_NAME", "uploads")


def test_bucket_is_the_only_required_setting() -> None:
    settings = load_settings()

    assert settings.s3_bucket_name == "uploads"
    assert settings.aws_region == "us-east-1"
    assert settings.aws_access_key_id is None
    assert settings.mongo_uri is None
    assert settings.database_url is None
    assert settings.signed_url_seconds == 3600
    assert settings.upload_expiry_seconds == 7 * 24 * 3600
    assert (settings.lease_seconds, settings.wait_seconds) == (20, 25)
    assert (settings.sweep_interval_seconds, settings.sweep_grace_seconds) == (300, 300)
    assert settings.retention_seconds == 30 * 24 * 3600
    assert settings.max_upload_size == 10_000 * 5 * 1024**3
    assert (settings.allowed_origins, settings.allowed_headers) == ([], [])
    assert settings.companion_user_id == "companion"
    assert settings.companion_user_header is None
    assert settings.web_page is False


def test_original_setting_names_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("MONGO_URI", "mongodb://127.0.0.1/uploads")

    settings = load_settings()

    assert (settings.aws_region, settings.aws_access_key_id) == ("eu-west-1", "key")
    assert settings.aws_secret_access_key is not None
    assert settings.aws_secret_access_key.get_secret_value() == SECRET
    assert settings.mongo_uri is not None
    assert settings.mongo_uri.get_secret_value() == "mongodb://127.0.0.1/uploads"


def test_environment_overrides_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("AWS_REGION=eu-west-1\nS3_KEY_PREFIX=in/\nUNRELATED=1\n")
    monkeypatch.setenv("AWS_REGION", "us-west-2")

    settings = load_settings()

    assert (settings.aws_region, settings.s3_key_prefix) == ("us-west-2", "in/")


def test_prefix_may_contain_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_BUCKET_NAME", "bucket")
    monkeypatch.setenv("S3_KEY_PREFIX", "in/{shard}/")

    assert load_settings().s3_key_prefix == "in/{shard}/"


def test_empty_value_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("AWS_ACCESS_KEY_ID=\nAWS_SECRET_ACCESS_KEY=\n")
    monkeypatch.setenv("MONGO_URI", "")

    settings = load_settings()

    assert settings.aws_access_key_id is None
    assert settings.aws_secret_access_key is None
    assert settings.mongo_uri is None


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SECRET)
    monkeypatch.setenv("MONGO_URI", f"mongodb://user:{SECRET}@127.0.0.1")
    monkeypatch.setenv("DATABASE_URL", f"postgresql+asyncpg://user:{SECRET}@127.0.0.1")

    assert SECRET not in repr(load_settings())


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", "https://a.example, http://localhost:3000,")

    assert load_settings().allowed_origins == ["https://a.example", "http://localhost:3000"]


def test_headers_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ALLOWED_HEADERS", "X-CSRF-Token, X-Tenant,")

    assert load_settings().allowed_headers == ["X-CSRF-Token", "X-Tenant"]


def test_cookies_require_named_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ALLOW_CREDENTIALS", "true")
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", "https://a.example")
    assert load_settings().cors_allow_credentials
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", "https://a.example,*")

    with pytest.raises(SettingsError, match=r"^CORS_ALLOW_CREDENTIALS: name the origins"):
        load_settings()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000",
        "http://[::1]:9000",
        "https://s3.example.org",
        "https://r2.example/prefix/",
        "http://minio_1:9000",
    ],
)
def test_endpoints_of_other_stores_are_accepted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL", url)

    assert load_settings().s3_endpoint_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3_BUCKET_NAME", ""),
        ("S3_BUCKET_NAME", "ab"),
        ("S3_BUCKET_NAME", "b" * 64),
        ("S3_BUCKET_NAME", "my bucket"),
        ("AWS_REGION", "eu west 1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("S3_ENDPOINT_URL", "127.0.0.1:9000"),
        ("S3_ENDPOINT_URL", "http://"),
        ("S3_ENDPOINT_URL", f"http://user:{SECRET}@host"),
        ("S3_PUBLIC_ENDPOINT_URL", "s3.example.org"),
        ("S3_PUBLIC_ENDPOINT_URL", "https://a host"),
        ("S3_KEY_PREFIX", "with space/"),
        ("S3_KEY_PREFIX", "p" * 101),
        ("S3_KEY_PREFIX", "{shards}/"),
        ("S3_KEY_PREFIX", "{shard/"),
        ("MONGO_URI", "127.0.0.1:27017"),
        ("MONGO_URI", f"mongodb://user:{SECRET}"),
        ("MONGO_URI", f"mongodb://user:{SECRET}@host:port"),
        ("MONGO_URI", f"mongodb://us:er:{SECRET}@host"),
        ("MONGO_URI", "mongodb+srv://"),
        ("MONGO_DATABASE", "a.b"),
        ("DATABASE_URL", f"{SECRET}"),
        ("DATABASE_URL", f"mysql+aiomysql://user:{SECRET}@host/db"),
        ("DATABASE_URL", "sqlite:///uploads.db"),
        ("DATABASE_URL", "sqlite+aiosqlite://"),
        ("DATABASE_URL", "sqlite+aiosqlite:////no/such/folder/uploads.db"),
        ("SIGNED_URL_SECONDS", "0"),
        ("SIGNED_URL_SECONDS", "604801"),
        ("SIGNED_URL_SECONDS", "an hour"),
        ("UPLOAD_EXPIRY_SECONDS", "59"),
        ("UPLOAD_EXPIRY_SECONDS", "1800"),
        ("LEASE_SECONDS", "2"),
        ("LEASE_SECONDS", "3601"),
        ("WAIT_SECONDS", "601"),
        ("SWEEP_INTERVAL_SECONDS", "-1"),
        ("SWEEP_GRACE_SECONDS", "604801"),
        ("RETENTION_SECONDS", "59"),
        ("RETENTION_SECONDS", "315360001"),
        ("UPLOAD_EXPIRY_SECONDS", "315360001"),
        ("MAX_UPLOAD_SIZE", "0"),
        ("MAX_UPLOAD_SIZE", "53687091200001"),
        ("CORS_ALLOWED_ORIGINS", "https://a.example,b.example"),
        ("CORS_ALLOWED_ORIGINS", "https://*.example"),
        ("CORS_ALLOWED_ORIGINS", "https://*"),
        ("CORS_ALLOWED_ORIGINS", "http://localhost:*"),
        ("CORS_ALLOWED_ORIGINS", "**"),
        ("CORS_ALLOWED_ORIGINS", "https://a.example/"),
        ("CORS_ALLOWED_ORIGINS", "https://a.example/path"),
        ("CORS_ALLOWED_ORIGINS", "https://"),
        ("CORS_ALLOWED_ORIGINS", "https://a\u202eb"),
        ("API_DOCS", "perhaps"),
        ("WEB_PAGE", "perhaps"),
        ("CORS_ALLOW_CREDENTIALS", "perhaps"),
        ("CORS_ALLOWED_HEADERS", "X-Tenant,X Y"),
        ("COMPANION_USER_ID", "two words"),
        ("COMPANION_USER_HEADER", "X-User:"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_wrong_setting_ends_serve_with_one_line_naming_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    ended = CliRunner().invoke(main, ["serve"])

    (line,) = ended.output.splitlines()
    assert ended.exit_code == 1
    assert line.startswith("Error: ")
    assert name in line
    assert SECRET not in line
    # No wording of pydantic and no regular expression.
    assert re.search(r"Input|String|should|valid|\^|\[A-Z|\{1,", line) is None, line
    assert line.isprintable()


@pytest.mark.parametrize(
    ("longer", "seconds"), [("LEASE_SECONDS", "121"), ("SIGNED_URL_SECONDS", "121")]
)
def test_durations_longer_than_the_upload_expiry_are_refused(
    monkeypatch: pytest.MonkeyPatch, longer: str, seconds: str
) -> None:
    monkeypatch.setenv("UPLOAD_EXPIRY_SECONDS", "120")
    monkeypatch.setenv("SIGNED_URL_SECONDS", "120")
    monkeypatch.setenv("LEASE_SECONDS", "120")
    load_settings()
    monkeypatch.setenv(longer, seconds)

    with pytest.raises(SettingsError, match=f"^{longer}: must not be longer than UPLOAD_EXPIRY"):
        load_settings()


def test_all_wrong_settings_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    monkeypatch.setenv("LEASE_SECONDS", "0")
    monkeypatch.delenv("S3_BUCKET_NAME")

    with pytest.raises(SettingsError) as refusal:
        load_settings()

    message = str(refusal.value)
    assert "S3_BUCKET_NAME: is required" in message
    assert "LOG_LEVEL" in message
    assert "LEASE_SECONDS" in message
    assert "\n" not in message


def test_azure_names_its_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBJECT_STORE", "azure")
    monkeypatch.delenv("S3_BUCKET_NAME")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "My-Company")
    monkeypatch.setenv("AZURE_STORAGE_KEY", f"{SECRET}!")
    monkeypatch.setenv("AZURE_CONTAINER", "up--loads")

    with pytest.raises(SettingsError) as refused:
        load_settings()

    assert str(refused.value) == (
        "AZURE_STORAGE_ACCOUNT: must be 3 to 24 lowercase letters and digits; "
        "AZURE_STORAGE_KEY: must be base64, as Azure shows it; "
        "AZURE_CONTAINER: must be 3 to 63 lowercase letters, digits and single hyphens"
    )


def test_azure_without_its_extra_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBJECT_STORE", "azure")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "company")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "a2V5")
    monkeypatch.setenv("AZURE_CONTAINER", "uploads")
    monkeypatch.setitem(sys.modules, "multipart_upload.adapters.azure", None)

    with pytest.raises(ValueError, match=r"^OBJECT_STORE: .*multipart-upload\[azure\]"):
        choose_store(load_settings())


def test_azure_is_reached_by_the_name_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBJECT_STORE", "azure")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "company")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "a2V5")
    monkeypatch.setenv("AZURE_CONTAINER", "uploads")

    choice = choose_store(load_settings())

    assert choice.description == (
        "uploads at https://company.blob.core.windows.net (AZURE_CONTAINER)"
    )
