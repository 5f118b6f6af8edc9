"""Signature Version 4 against the example that AWS publishes."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from multipart_upload.adapters.s3.sigv4 import SigningContext, UrlSigner

# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
EXAMPLE = SigningContext(
    access_key_id="AKIAIOSFODNN7EXAMPLE",
    secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    session_token=None,
    region="us-east-1",
    signed_at=datetime(2013, 5, 24, tzinfo=UTC),
    lifetime_seconds=86400,
)


def example_signer() -> UrlSigner:
    origin = "https://examplebucket.s3.amazonaws.com"
    return UrlSigner(EXAMPLE, "GET", origin, "/test.txt", headers={})


def test_aws_example_has_the_published_signature() -> None:
    url = urlsplit(example_signer().sign())
    assert f"{url.scheme}://{url.netloc}{url.path}" == (
        "https://examplebucket.s3.amazonaws.com/test.txt"
    )
    assert parse_qs(url.query) == {
        "X-Amz-Algorithm": ["AWS4-HMAC-SHA256"],
        "X-Amz-Credential": ["AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"],
        "X-Amz-Date": ["20130524T000000Z"],
        "X-Amz-Expires": ["86400"],
        "X-Amz-SignedHeaders": ["host"],
        "X-Amz-Signature": ["aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"],
    }


def test_each_signature_is_independent_of_earlier_ones() -> None:
    signer = example_signer()
    signer.sign("&a=1")
    assert signer.sign() == example_signer().sign()


def test_repr_hides_the_secret_key() -> None:
    assert EXAMPLE.secret_access_key not in repr(EXAMPLE)
