"""What a job ran on: the processor, and the versions of the packages that decide numbers."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SOFTWARE = ("keyfilters", "torch", "torchvision", "timm", "numpy", "pillow", "safetensors")


@cache
def software() -> dict[str, str | None]:
    """Versions of Python and of the packages that decide numbers."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in SOFTWARE:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


@cache
def cpu_name() -> str:
    """The processor's name with its core count, as the system gives it."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {os.cpu_count()} cores"
