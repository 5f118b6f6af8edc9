"""The usual way: FastAPI, boto3, and one document per upload with an array of its parts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import boto3
from botocore.config import Config
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from pymongo import AsyncMongoClient

BUCKET = os.environ["S3_BUCKET_NAME"]
S3 = boto3.client(
    "s3",
    endpoint_url=os.environ["S3_ENDPOINT_URL"],
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)


class Start(BaseModel):
    """A file to upload."""

    user_id: str
    filename: str
    content_type: str


class Part(BaseModel):
    """A part that S3 has accepted."""

    user_id: str
    upload_id: str
    key: str
    part_number: int
    etag: str


class Numbers(BaseModel):
    """Parts to sign."""

    upload_id: str
    key: str
    part_numbers: list[int]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connect to MongoDB with the same write concern as our service."""
    client = AsyncMongoClient(os.environ["MONGO_URI"], w="majority", journal=True)
    app.state.uploads = client.get_default_database("usual")["uploads"]
    yield
    await client.close()


app = FastAPI(lifespan=lifespan)


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    """Respond that the application is ready."""
    return {"status": "ok"}


@app.post("/api/start-upload")
async def start(start: Start) -> dict[str, str]:
    """Open an upload in S3 and store it."""
    key = f"{start.user_id}/{uuid4().hex}/{start.filename}"
    made = S3.create_multipart_upload(Bucket=BUCKET, Key=key, ContentType=start.content_type)
    upload = {"_id": uuid4().hex, "user_id": start.user_id, "key": key, "parts": []}
    await app.state.uploads.insert_one({**upload, "store_upload_id": made["UploadId"]})
    return {"upload_id": upload["_id"], "key": key, "store_upload_id": made["UploadId"]}


@app.get("/api/get-signed-url")
async def sign(upload_id: str, key: str, part_number: int) -> dict[str, str]:
    """Sign a part without checking the upload."""
    return {"signed_url": _signed(upload_id, key, part_number)}


@app.post("/api/get-signed-urls")
async def sign_many(numbers: Numbers) -> dict[str, str]:
    """Sign parts in a loop."""
    return {str(n): _signed(numbers.upload_id, numbers.key, n) for n in numbers.part_numbers}


@app.post("/api/upload-part")
async def record(part: Part) -> dict[str, bool]:
    """Push the part into the upload's array."""
    pushed = await app.state.uploads.update_one(
        {"_id": part.upload_id, "user_id": part.user_id, "key": part.key},
        {"$push": {"parts": {"PartNumber": part.part_number, "ETag": part.etag}}},
    )
    if not pushed.matched_count:
        raise HTTPException(404)
    return {"success": True}


def _signed(upload_id: str, key: str, part_number: int) -> str:
    params = {"Bucket": BUCKET, "Key": key, "UploadId": upload_id, "PartNumber": part_number}
    return str(S3.generate_presigned_url("upload_part", Params=params, ExpiresIn=3600))
