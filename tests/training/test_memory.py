"""What is freed is there for the next step: counted in pages that the system had to empty."""

import subprocess
import sys

from keyfilters.training import memory

STEPS = """
import resource
import torch
from keyfilters.training.memory import keep_freed_memory

assert keep_freed_memory()

def step():
    forward = [torch.ones(7 << 20) for _ in range(8)]  # 224 MB, all freed at the end

for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_a_step_finds_the_memory_of_the_last():
    """Without, the system empties 160,000 pages."""
    pages = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, check=True).stdout
    assert int(pages) < 1000


def test_a_library_that_cannot_keep_memory_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert not memory.keep_freed_memory()
