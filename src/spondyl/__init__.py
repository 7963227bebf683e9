"""Train, explain and audit classifiers of spine radiographs. For research, not for diagnosis.

The public names, each loaded when it is first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "check": ("spondyl.data.check", "check"),
    "draw_phantoms": ("spondyl.data.phantom.drawing", "cohort"),
    "read_cohort": ("spondyl.data.cohort", "read"),
    "read_pixels": ("spondyl.data.pixels", "read"),
    "read_spec": ("spondyl.learn.spec", "read"),
    "build_network": ("spondyl.learn.networks", "build"),
    "load_study": ("spondyl.learn.study", "load"),
    "open_bundle": ("spondyl.reading.opening", "load"),
    "read": ("spondyl.reading.reading", "read"),
    "Reader": ("spondyl.reading.reading", "Reader"),
    "run_study": ("spondyl.report.whole", "study_and_report"),
    "SpondylError": ("spondyl.errors", "SpondylError"),
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'spondyl' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(_PUBLIC)
