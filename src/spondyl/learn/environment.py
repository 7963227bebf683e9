"""When and on what something was computed; stands beside every result."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("spondyl", "torch", "torchvision", "timm", "scikit-learn", "numpy")


def environment() -> dict[str, Any]:
    """UTC time, versions of the packages that results depend on, and the hardware."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
        "hardware": {"cpu": _cpu_name(), "cores": os.cpu_count(), "gpu": gpu},
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
