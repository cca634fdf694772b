"""What a job costs: time, processor time, memory; on a GPU also its time and memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MB = 1_000_000


@dataclass
class Meter:
    """Measures from its making on.

    `earlier`: what attempts at the same job cost that this one goes on from. `gpu_memory`: gives the peak number of
    bytes on the GPU that the job holds; None without one.
    """

    earlier: Mapping[str, float] = field(default_factory=dict)
    gpu_memory: Callable[[], int] | None = None
    began: float = field(default_factory=time.monotonic)
    cpu_began: float = field(default_factory=time.process_time)

    @property
    def spent(self) -> dict[str, float]:
        """Seconds of all attempts, and the highest of their peaks of memory in MB."""
        seconds = {"seconds": time.monotonic() - self.began, "cpu_seconds": time.process_time() - self.cpu_began}
        peaks = {"memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB}
        if self.gpu_memory:
            seconds["gpu_seconds"] = seconds["seconds"]
            peaks["gpu_memory_mb"] = self.gpu_memory() / MB
        return {
            **{name: round(value + self.earlier.get(name, 0), 2) for name, value in seconds.items()},
            **{name: round(max(value, self.earlier.get(name, 0))) for name, value in peaks.items()},
        }
