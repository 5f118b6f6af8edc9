"""A stored session that the service cannot read is an error of its own and of no other upload."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from .upload import Upload, answer, problem

pytestmark = pytest.mark.e2e


def test_unreadable_session_is_an_error_that_names_it_and_others_are_listed(
    api: httpx.Client, mongo_settings: dict[str, str]
) -> None:
    damaged = Upload.start(api, user_id="dora")
    intact = Upload.start(api, user_id="dora")
    upload_id = damaged.started["upload_id"]
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_settings["MONGO_URI"])
    with client:
        sessions = client.get_default_database()["upload_sessions"]
        sessions.update_one({"_id": upload_id}, {"$set": {"state": "paused"}})
    details = problem(damaged.status(), 500, "stored-session-unreadable")
    assert details["detail"] == f"The stored session of upload {upload_id} cannot be read."
    listed = answer(intact.siblings())
    assert [upload["upload_id"] for upload in listed["uploads"]] == [intact.started["upload_id"]]
