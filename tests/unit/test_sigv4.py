"""Signature version 4 in the query, against the example that AWS publishes."""

from __future__ import annotations

from datetime import UTC, datetime

from multipart_upload.adapters.s3.sigv4 import Grant, Signer, UrlSigner, signing_key

# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
EXAMPLE = Grant(
    access_key="AKIAIOSFODNN7EXAMPLE",
    secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    token=None,
    region="us-east-1",
    signed_at=datetime(2013, 5, 24, tzinfo=UTC),
    seconds=86400,
)


def example_signer() -> UrlSigner:
    return UrlSigner(Signer(EXAMPLE), "GET", "https://examplebucket.s3.amazonaws.com", "/test.txt")


def test_the_worked_example_of_aws_comes_out_to_the_byte() -> None:
    assert example_signer().sign() == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def test_one_signer_gives_each_url_the_signature_it_has_alone() -> None:
    signer = example_signer()
    signer.sign("a=1&", "&a=1")
    assert signer.sign() == example_signer().sign()


def test_the_key_of_a_day_is_derived_once() -> None:
    signing_key.cache_clear()
    for _ in range(3):
        example_signer()
    assert signing_key.cache_info().misses == 1


def test_no_secret_is_shown_of_a_grant() -> None:
    assert EXAMPLE.secret_key not in repr(EXAMPLE)
