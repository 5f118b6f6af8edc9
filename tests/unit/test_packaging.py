"""Packaging metadata, lock files and .env.example match the source."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from pydantic import AliasChoices

from multipart_upload.settings import Settings

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "multipart"
LOCKS = sorted(ROOT.glob("locks/*.txt"))


def test_every_package_is_listed_for_the_wheel() -> None:
    folders = {path.parent.relative_to(SOURCE) for path in SOURCE.rglob("__init__.py")}

    listed = _pyproject()["tool"]["setuptools"]["packages"]

    assert sorted(listed) == sorted(".".join(["multipart_upload", *path.parts]) for path in folders)


def test_every_data_file_is_in_the_wheel() -> None:
    shipped = {
        path
        for package, patterns in _pyproject()["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for path in SOURCE.joinpath(*package.split(".")[1:]).glob(pattern)
    }
    data_files = {
        path
        for path in SOURCE.rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    }

    assert SOURCE / "adapters" / "mongo" / "sharding.js" in data_files
    assert data_files == shipped


def test_every_imported_package_is_a_declared_dependency() -> None:
    imported = {name for path in SOURCE.rglob("*.py") for name in _imported(path)}
    project = _pyproject()["project"]
    declared = {
        re.match(r"[\w.-]+", requirement)[0].lower()  # type: ignore[index]
        for requirements in (project["dependencies"], *project["optional-dependencies"].values())
        for requirement in requirements
    }
    distributions = packages_distributions()

    undeclared = {
        name: distributions.get(name)
        for name in imported - sys.stdlib_module_names - {"multipart_upload"}
        if not declared & {found.lower().replace("_", "-") for found in distributions.get(name, ())}
    }

    # aiobotocore requires botocore in a narrow range of its own; only mypy imports its types.
    assert undeclared.keys() == {"botocore", "types_aiobotocore_s3"}


def _imported(path: Path) -> Iterator[str]:
    """Yield the top-level modules that a file imports, without its own package's."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_import_name_is_a_link_to_the_source() -> None:
    link = ROOT / "multipart_upload"

    assert link.is_symlink()
    assert link.readlink() == Path("src/multipart")


def test_lock_files_exist() -> None:
    assert {"development.txt", "production.txt"} <= {path.name for path in LOCKS}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_lock_files_contain_no_host_names_or_local_paths(path: Path) -> None:
    text = path.read_text()

    assert (
        re.findall(r"://|file:/|--(?:extra-)?index|--find-links|--trusted|(?<!\w)/\w", text) == []
    )


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_lock_files_pin_every_package_with_hashes(path: Path) -> None:
    text = path.read_text().replace("\\\n", "")
    requirements = [
        line for line in text.splitlines() if line and not line.lstrip().startswith("#")
    ]

    assert requirements
    assert [line for line in requirements if not re.match(r"\S+==\S+.* --hash=sha256:", line)] == []


def test_production_uses_the_tested_versions() -> None:
    shipped = _pins(ROOT / "locks/production.txt")

    assert shipped
    assert shipped <= _pins(ROOT / "locks/development.txt")


def test_production_contains_no_test_packages() -> None:
    names = {pin.partition("==")[0] for pin in _pins(ROOT / "locks/production.txt")}
    extras = dict(_pyproject()["project"]["optional-dependencies"])
    for shipped in ("azure", "postgres", "redis", "traces"):
        del extras[shipped]
    extra_names = {re.split(r"[^\w-]", line)[0] for extra in extras.values() for line in extra}

    assert "litestar" in names
    assert names & extra_names == {"httpx", "pyyaml"}, "Litestar itself needs these"


@pytest.mark.parametrize("driver", ["asyncpg", "azure-storage-blob", "redis"])
def test_production_can_use_every_server(driver: str) -> None:
    names = {pin.partition("==")[0] for pin in _pins(ROOT / "locks/production.txt")}

    assert driver in names


def test_example_environment_names_every_setting_and_compose_variable() -> None:
    text = (ROOT / ".env.example").read_text()
    example = re.findall(r"^(?:# )?([A-Z0-9_]+)=", text, flags=re.MULTILINE)

    of_compose = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))

    assert of_compose
    assert len(example) == len(set(example))
    assert {name.lower() for name in example} == {
        *_setting_names(),
        *(name.lower() for name in of_compose),
    }


@pytest.mark.parametrize("name", Settings.model_fields)
def test_example_environment_describes_every_setting_like_its_field(
    name: str,
) -> None:
    description = Settings.model_fields[name].description
    lines = (ROOT / ".env.example").read_text().splitlines()
    place = next(
        i for i, line in enumerate(lines) if line.removeprefix("# ").startswith(name.upper() + "=")
    )
    start = max(i for i in range(place) if not re.match(r"# (?![A-Z0-9_]+=)", lines[i]))
    comment = " ".join(line.removeprefix("# ") for line in lines[start + 1 : place])

    assert description
    assert description.endswith(".")
    assert comment.startswith(description)


def _setting_names() -> list[str]:
    names = []
    for field_name, field in Settings.model_fields.items():
        alias = field.validation_alias or field_name
        name = alias.choices[0] if isinstance(alias, AliasChoices) else alias
        names.append(str(name).lower())
    return names


@pytest.mark.parametrize(
    ("setting", "address", "imported"),
    [
        ("MONGO_URI", "mongodb://127.0.0.1/uploads", ["pymongo"]),
        ("DATABASE_URL", "sqlite+aiosqlite:///uploads.db", ["sqlalchemy"]),
    ],
)
def test_starting_imports_the_adapter_of_one_database_only(
    setting: str, address: str, imported: list[str]
) -> None:
    program = """
import sys
from multipart_upload.container import check_adapters
from multipart_upload.entrypoints.http.server import load_settings
check_adapters(load_settings())
print([name for name in ("pymongo", "sqlalchemy") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "S3_BUCKET_NAME": "bucket", setting: address},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(imported)


def _pins(path: Path) -> set[str]:
    return set(re.findall(r"^[\w.-]+==[^\s\\;]+", path.read_text(), flags=re.MULTILINE))


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
