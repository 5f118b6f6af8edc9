"""Fixtures of the tests of adapters."""

from tests.deadlines import _unhurried_adapters

__all__ = ["_unhurried_adapters"]
