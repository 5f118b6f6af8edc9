"""Fixtures for the tests of adapters."""

from tests.deadlines import _extended_deadlines

__all__ = ["_extended_deadlines"]
