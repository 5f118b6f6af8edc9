"""Imports of the domain and the application, and what knows about S3."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "multipart"
MODULES = [*SOURCE.glob("domain/**/*.py"), *SOURCE.glob("application/**/*.py")]


def find_imports(module: Path) -> set[str]:
    """Return the top-level names of the absolute imports of a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("module", sorted(MODULES), ids=lambda path: str(path.relative_to(SOURCE)))
def test_domain_and_application_import_hardly_more_than_the_standard_library(
    module: Path,
) -> None:
    # Pure functions and data structures: a checksum, and a cache.
    allowed = {"anycrc"} if "domain" in module.parts else {"cachetools"}
    assert find_imports(module) <= sys.stdlib_module_names | allowed


def test_only_the_choice_of_the_store_reads_settings_of_s3() -> None:
    # S3_KEY_PREFIX is the prefix of object keys in every store.
    reads = re.compile(r"settings\.(s3_(?!key_prefix)|aws_)")
    readers = {
        str(module.relative_to(SOURCE))
        for module in SOURCE.glob("**/*.py")
        if reads.search(module.read_text())
    }
    assert readers == {"s3_bucket.py", "stores.py"}
