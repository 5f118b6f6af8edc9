"""Find every port call in the application's source code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from pkgutil import walk_packages
from typing import Final

import multipart_upload.application
from multipart_upload.application.ports import (
    EventRepository,
    ObjectStore,
    QuotaRepository,
    SessionRepository,
)
from multipart_upload.application.session_cache import SessionCache

from .process import FORWARDING, CallSite

PORTS: Final = (SessionRepository, ObjectStore, QuotaRepository, EventRepository)
METHODS: Final = frozenset(
    name
    for port in (*PORTS, SessionCache)
    for name, member in vars(port).items()
    if not name.startswith("_") and callable(member)
)


@dataclass(frozen=True, slots=True)
class PortUses:
    """Positions of port calls, and of port methods that are referenced without a call."""

    calls: set[CallSite] = field(default_factory=set)
    method_references: set[CallSite] = field(default_factory=set)


def scan_application() -> PortUses:
    """Scan every module except the ports and those that only forward calls."""
    sources = dict(_sources())
    trees = {module: ast.parse(source) for module, source in sources.items()}
    # A field that one module declares is used in others.
    names = {name for tree in trees.values() for name in _annotated_names(tree)}
    uses = PortUses()
    for module, tree in trees.items():
        _collect(tree, module, names, uses)
    return uses


def scan_source(source: str) -> PortUses:
    """Scan the source of one module."""
    tree, uses = ast.parse(source), PortUses()
    _collect(tree, "module", set(_annotated_names(tree)), uses)
    return uses


def _sources() -> Iterator[tuple[str, str]]:
    application = multipart_upload.application
    for module in walk_packages(application.__path__, f"{application.__name__}."):
        spec = find_spec(module.name)
        is_port = ".ports" in module.name or module.name in FORWARDING
        if not is_port and spec is not None and spec.origin is not None:
            yield module.name, Path(spec.origin).read_text(encoding="utf-8")


def _annotated_names(tree: ast.Module) -> Iterator[str]:
    """Yield the fields, variables and parameters that are annotated as a port."""
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                pass
            case ast.AnnAssign(target=ast.Attribute(attr=name), annotation=annotation):
                pass
            case ast.arg(arg=name, annotation=ast.expr() as annotation):
                pass
            case _:
                continue
        if any(port.__name__ in ast.unparse(annotation) for port in PORTS):
            yield name


def _collect(tree: ast.Module, module: str, names: AbstractSet[str], uses: PortUses) -> None:
    ports = names | _aliases(tree, names)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    awaited = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Await)}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=receiver, attr=method)) if method in METHODS:
                # An awaited call counts on any receiver: nothing else async has these names.
                is_awaited = id(node) in awaited and not _is_self(receiver)
                if _is_port(receiver, ports) or is_awaited:
                    uses.calls.add(_site(node, module))
            case ast.Attribute(value=receiver, attr=method) if method in METHODS:
                if _is_port(receiver, ports) and id(node) not in called:
                    uses.method_references.add(_site(node, module))
            case _:
                pass


def _aliases(tree: ast.Module, ports: AbstractSet[str]) -> set[str]:
    """Return the local names bound to a port, for instance by `store = self.store`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[target], value=value):
                pass
            case (
                ast.NamedExpr(target=target, value=value)
                | ast.AnnAssign(target=target, value=ast.expr() as value)
            ):
                pass
            case _:
                continue
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        values = value.elts if isinstance(value, ast.Tuple) else [value]
        pairs = zip(targets, values, strict=False)
        found |= {ast.unparse(name) for name, port in pairs if _is_port(port, ports)}
    return {name.rpartition(".")[2] for name in found}


def _is_port(node: ast.expr, names: AbstractSet[str]) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in names
    return False


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _site(node: ast.expr, module: str) -> CallSite:
    return CallSite(module, node.end_lineno or 0, node.end_col_offset or 0)
