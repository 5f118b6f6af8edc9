"""Object keys from ordinary and hostile names."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Final
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from multipart_upload.domain.object_key import (
    is_printable,
    new_nonce,
    object_key,
    safe_filename,
    user_component,
)

LIMIT: Final = 200
# fmt: off
HOSTILE: Final = (
    "/", "\\", "..", ".", "../", "..\\", "C:\\", "%", "%2F", "%2e", "~", "\x00", "\n", "\r", "\t",
    "\x7f", "\x85", "\u2028", "\u2029", "\u200b", "\u200d", "\u200e", "\u202e", "\u2066", "\u2069",
    "\u061c", "\ufeff", "\ufffe", "\ue000", "\ud800", "\udfff", " ", "\xa0", "\u2001", "\u3000",
    "e\u0301", "\u0301", "\u0338", "\u212b", "\uf900", "\u1112\u1161\u11ab", "\uff0f", "a" * 45,
    "\u65e5\u672c" * 10, "\U0001f600" * 8, ".txt", ".tar.gz", "con", "file", "\\\u202e/", ". .",
)
# fmt: on
any_text = st.text(st.characters(exclude_categories=()))
# Random names are rarely long enough to be cut, so long ones have their own strategy.
names = any_text | st.builds(
    lambda length, pieces: "a" * length + "".join(pieces),
    st.just(0) | st.integers(100, 200),
    st.lists(st.sampled_from(HOSTILE), max_size=40),
)


def assert_safe(name: str) -> None:
    assert name.strip(".") != ""
    assert name == name.strip()
    assert not set(name) & {"/", "\\"}
    assert ".." not in name
    unsafe = {
        char for char in name if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029"
    }
    assert unsafe == set()
    assert unicodedata.is_normalized("NFC", name)
    assert len(name.encode()) <= LIMIT


@given(names)
def test_any_name_becomes_safe(name: str) -> None:
    assert_safe(safe_filename(name))


@given(names)
def test_safe_name_is_unchanged(name: str) -> None:
    once = safe_filename(name)
    assert safe_filename(once) == once
    assert is_printable(once)


@given(names, st.from_regex(r"[A-Za-z0-9]{1,50}", fullmatch=True))
@example("a" * 194 + "." + "b" * 40, "txt")
def test_the_extension_is_kept(stem: str, extension: str) -> None:
    assert safe_filename(f"{stem}.{extension}").endswith(f".{extension}")


@given(names, names)
def test_only_the_last_path_component_is_used(folder: str, name: str) -> None:
    if name.strip("/\\"):
        for separator in "/\\":
            assert safe_filename(f"{folder}{separator}{name}") == safe_filename(name)


@pytest.mark.parametrize(
    "name",
    [
        "report.pdf", "My Film (1).mov", ".bashrc", "con.txt", "README", "a.tar.gz", "name.",
        "\xdcbung.docx", "\u65e5\u672c\u8a9e.txt", "\U0001f600.png", "50%.txt", "a" * 196 + ".txt",
    ],
)  # fmt: skip
def test_ordinary_name_is_unchanged(name: str) -> None:
    assert safe_filename(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\ada\\film.mov", "film.mov"),
        ("folder/", "folder"),
        ("..tar.gz", ".tar.gz"),
        ("a..b...c", "a.b.c"),
        (".\u200b./x", "x"),
        ("x/.\u200b.", "file"),
        ("inv\u202egpj.exe", "invgpj.exe"),
        ("a\x00b\n.txt", "ab.txt"),
        ("  a.txt \u3000", "a.txt"),
        ("e\u0301te\u0301.txt", "\xe9t\xe9.txt"),
        ("e\u200b\u0301.txt", "\xe9.txt"),
        ("\ud800.txt", ".txt"),
        (".txt", ".txt"),
        ("name. ", "name."),
    ],
)
def test_hostile_name_is_reduced_to_a_safe_one(name: str, safe: str) -> None:
    assert safe_filename(name) == safe


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "...", ". .", "/", "\\/", "a/..", "\x00", "\u202e", ". \u3000 ."]
)
def test_name_without_usable_characters_becomes_file(name: str) -> None:
    assert safe_filename(name) == "file"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a" * 300, "a" * 200),
        ("a" * 300 + ".txt", "a" * 196 + ".txt"),
        ("\u65e5" * 100 + ".txt", "\u65e5" * 65 + ".txt"),
        ("\U0001f600" * 51, "\U0001f600" * 50),
        ("a" * 300 + "." + "b" * 50, "a" * 149 + "." + "b" * 50),
        ("a" * 300 + "." + "b" * 51, "a" * 200),
        ("a." + "b" * 300, "a." + "b" * 198),
        ("." + "b" * 300, "." + "b" * 199),
        # The cut falls after a dot or a space, which is then removed.
        ("a" * 195 + "." + "b" * 40 + ".txt", "a" * 195 + ".txt"),
        ("a" * 199 + " " + "b" * 40, "a" * 199),
        ("." + " " * 300 + "x", "file"),
    ],
)
def test_long_name_is_cut_before_its_extension(name: str, safe: str) -> None:
    assert safe_filename(name) == safe


@given(st.text(max_size=37) | st.text("%./\\2EFCa", max_size=9))
def test_different_user_ids_have_different_components(user_id: str) -> None:
    component = user_component(user_id)
    # An encoding that can be decoded is unique.
    assert unquote(component) == user_id
    assert not set(component) & {"/", "\\"}
    assert component not in {".", ".."}


LONG = "\U0001f600" * 37 + "ab"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LONG + "c", LONG + "d"),
        ("/" * 60, "/" * 61),
        # A user id equal to the shortened form of another one.
        (LONG + "c", unquote(user_component(LONG + "c"))),
        (LONG + "c", user_component(LONG + "c")),
    ],
)
def test_long_user_ids_are_shortened_and_stay_distinct(one: str, other: str) -> None:
    components = {user_component(one), user_component(other)}
    assert len(components) == 2
    assert all(len(component.encode()) <= 150 for component in components)


def test_longest_plain_user_id_is_unchanged() -> None:
    assert user_component("a" * 128) == "a" * 128


@pytest.mark.parametrize(
    ("user_id", "component"),
    [
        ("ada", "ada"),
        ("ada@example.org", "ada@example.org"),
        ("auth0|42", "auth0|42"),
        ("a/b", "a%2Fb"),
        ("a%2Fb", "a%252Fb"),
        ("a\\b", "a%5Cb"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "..."),
    ],
)
def test_user_id_becomes_one_component(user_id: str, component: str) -> None:
    assert user_component(user_id) == component


@given(st.text(min_size=1), names)
def test_a_key_is_the_prefix_and_three_components(user_id: str, filename: str) -> None:
    key = object_key("uploads/", user_id, "u-1", "9f", filename)
    assert key.startswith("uploads/")
    user, upload, name = key.removeprefix("uploads/").split("/")
    assert (user, upload) == (user_component(user_id), "u-1.9f")
    assert_safe(name)


@given(st.text(max_size=128), names)
@example("\U0001f600" * 128, "\U0001f600" * 99)
@example("/" * 128, "a" * 999 + ".txt")
def test_key_never_exceeds_the_limit_of_s3(user_id: str, filename: str) -> None:
    key = object_key("p" * 99 + "/", user_id, "0" * 32, new_nonce(), filename)
    assert len(key.encode()) <= 1024


@given(st.text(min_size=1, max_size=128), names)
@example("\U0001f600" * 128, "\U0001f600" * 99)
@example("/" * 86, "a" * 999 + ".txt")
def test_no_key_component_exceeds_the_file_name_limit(user_id: str, filename: str) -> None:
    longest_prefix = "p" * 100
    key = object_key(longest_prefix, user_id, "0" * 32, new_nonce(), filename)
    assert max(len(component.encode()) for component in key.split("/")) <= 255


@pytest.mark.parametrize(
    "text", ["", "ada", "\xc9t\xe9 \u65e5\u672c \U0001f600", "\u05d0\u05d1", "a/b"]
)
def test_displayed_text_is_printable(text: str) -> None:
    assert is_printable(text)


@pytest.mark.parametrize(
    "char",
    ["\x00", "\n", "\x7f", "\x85", "\u061c", "\u200e", "\u202e", "\u2066", "\u2028", "\ud800"],
)
def test_control_and_bidirectional_characters_are_not_printable(char: str) -> None:
    assert not is_printable(f"a{char}b")


def test_prefix_without_a_shard_is_constant() -> None:
    assert object_key("in/", "alice", "u-1", "9f", "a.txt") == "in/alice/u-1.9f/a.txt"


def test_shard_replaces_its_placeholder_and_never_changes() -> None:
    keys = {object_key("in/{shard}/", "alice", "upload-1", "9f", "a.txt") for _ in range(3)}
    assert keys == {"in/9e/alice/upload-1.9f/a.txt"}


def test_shards_spread_uploads_of_one_user_evenly() -> None:
    ids = [f"{number:032x}" for number in range(25_600)]
    shards = Counter(
        object_key("{shard}/", "alice", id_, "9f", "a").partition("/")[0] for id_ in ids
    )
    assert len(shards) == 256
    # About a hundred each.
    assert 50 < min(shards.values()) < max(shards.values()) < 150
