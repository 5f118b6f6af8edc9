"""The upload that every example in the documentation is of."""

from typing import Final

UPLOAD_ID: Final = "3f0c9a52b8a94f6f9d3c5c8f4f1f7f1a"
KEY: Final = f"alice/{UPLOAD_ID}.5e1f0c9a52b8a94f/film.mp4"
FILE_SIZE: Final = 17_825_792
PART_SIZE: Final = 8_388_608
LOCATION: Final = f"https://bucket.s3.amazonaws.com/{KEY}"
MD5: Final = "9b2cf535f27731c974343645a3985328"
ETAG: Final = f'"{MD5}"'
REQUEST_ID: Final = "9d0c8f4f1f7f1a3f0c9a52b8a94f6f9d"
RECEIPT: Final = "eyJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiIsInR5cCI6Ii4uLiJ9.eyJpc3MiOiIuLi4ifQ.c2ln"
CHECKSUM: Final = "M3eFcAZSQlc="
