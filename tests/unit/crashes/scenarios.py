"""All scenarios by name."""

from __future__ import annotations

from inspect import iscoroutinefunction, signature
from types import ModuleType
from typing import Final

from . import (
    aborting,
    completing,
    counting,
    notifying,
    reading,
    sending,
    starting,
    sweeping,
)
from .requests import Scenario

_MODULES: Final = (
    starting,
    sending,
    completing,
    aborting,
    reading,
    sweeping,
    counting,
    notifying,
)


def _find_scenarios(module: ModuleType) -> dict[str, Scenario]:
    return {
        name.replace("_", " "): function
        for name, function in vars(module).items()
        if iscoroutinefunction(function)
        and function.__module__ == module.__name__
        and signature(function).return_annotation == "Request"
    }


SCENARIOS: Final[dict[str, Scenario]] = {
    name: scenario for module in _MODULES for name, scenario in _find_scenarios(module).items()
}
