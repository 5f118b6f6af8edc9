"""The client's packaging and documentation match the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.e2e.service import ROOT
from tests.e2e.test_documentation import blocks
from tests.patience import PATIENCE_SECONDS

from .environment import Environment, some_file

FOLDER: Final = ROOT / "clients" / "python"
README: Final = FOLDER / "README.md"
GUIDE: Final = ROOT / "docs" / "how-to" / "python-client.md"
PAGES: Final = {"README": README, "guide": GUIDE}
_IMPORTED_AS: Final = {"pyjwt": "jwt"}
CODE: Final = {
    f"{name} {number}": block.code
    for name, page in PAGES.items()
    for number, block in enumerate(blocks(page, "python"))
}


@pytest.mark.e2e
@pytest.mark.parametrize("name", CODE)
def test_code_in_the_documentation_runs(environment: Environment, name: str) -> None:
    some_file(environment.folder / "film.mp4", 100)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            CODE[name].replace("http://127.0.0.1:8000", environment.service.url),
        ],
        cwd=environment.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    if "print(result.location)" in CODE[name]:
        assert done.stdout.strip().endswith("/film.mp4")


@pytest.mark.parametrize("name", PAGES)
def test_commands_in_the_documentation_are_marked_as_not_run(name: str) -> None:
    assert [block for block in blocks(PAGES[name], "sh") if not block.is_marked] == []


def test_every_option_is_in_the_readme() -> None:
    source = FOLDER / "src" / "multipart_upload_client"
    options = {
        *_fields(source / "async_client.py", "ClientOptions"),
        *_fields(source / "models.py", "UploadOptions"),
    }
    assert options - set(re.findall(r"`(\w+)`", README.read_text())) == set()


def test_every_imported_package_is_a_declared_dependency() -> None:
    imported = {
        name
        for path in FOLDER.rglob("src/**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
    }
    project = _project()
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    declared = {_IMPORTED_AS.get(name, name) for name in (Requirement(line).name for line in lines)}
    assert imported - sys.stdlib_module_names == declared


def test_few_packages_are_installed_with_it() -> None:
    found: set[str] = set()
    _add_required("multipart-upload-client", found)
    assert "httpcore" in found
    assert len(found) <= 12, sorted(found)


def test_license_is_that_of_the_project() -> None:
    assert (FOLDER / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def _add_required(name: str, found: set[str]) -> None:
    """Add what a distribution requires, directly or not, on the oldest supported Python."""
    for requirement in map(Requirement, requires(name) or ()):
        required = canonicalize_name(requirement.name)
        environment = {"extra": "", "python_version": "3.11"}
        is_needed = requirement.marker is None or requirement.marker.evaluate(environment)
        if is_needed and required not in found:
            found.add(required)
            _add_required(required, found)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.partition(".")[0]


def _fields(path: Path, name: str) -> Iterator[str]:
    (found,) = (
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    yield from (ast.unparse(node.target) for node in found.body if isinstance(node, ast.AnnAssign))


def _project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
    return found
