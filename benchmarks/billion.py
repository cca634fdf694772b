"""The analysis of as many filters as CNN Filter DB has, from blocks to D, once: seconds of each pass, and memory."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.analysis import BLOCK, GROUPS, MAPPED, WEIGHTS, blocks, draw, mapped
from benchmarks.report import Report
from keyfilters.analysis.basis import fit
from keyfilters.analysis.coefficients import bounds, edges, extremes, histograms
from keyfilters.analysis.drift import distributions, pairwise_drift
from keyfilters.analysis.moments import moments
from keyfilters.analysis.streaming import cores
from keyfilters.config.analysis import Analysis
from keyfilters.results.filterdb.filterdb_claims import PAPER_SIZES

ROWS = PAPER_SIZES["filters"]
KEPT, DRAWN = 1 << 24, 1 << 20  # rows of the file, and of them at random

NOTE = (
    "{rows:,} filters of 3x3, float32, {size:.1f} GB: a mapped file of {kept:,} that lies in memory, gone through "
    "again and again in blocks of {block:,}; a million random ones, neighbours correlated, over and over. All "
    "{cores} cores. Every pass reads all of it; the plain read does nothing else, into one small buffer. The range "
    "of the coefficients is a pass of its own, which `range: bounded` has no need of. Once. On a busy machine the "
    "processor's seconds, of all cores together, say more. What compiles is not counted. Memory: at most, beyond "
    "what the process had before, with the file."
)


def report(rounds: int) -> Report:
    """Seconds of every pass and of the whole, and peak memory; once, however many `rounds`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "filters"
        with path.open("wb") as file:
            for _ in range(0, KEPT, DRAWN):
                draw(DRAWN).tofile(file)
        filters = mapped(path)
        _passes(filters, KEPT)  # compiles, and goes through the file once
        before = _reset_peak()
        seconds = _passes(filters, ROWS)
        memory = _peak() - before
        _, plain = _seconds("plain read", lambda: _read(path, ROWS))
    whole = sum(seconds.values())
    bounded = whole - seconds["range"]
    times = {**seconds, "whole": whole, "whole with `range: bounded`": bounded, "plain read": plain}
    rows = [
        {
            "": name,
            "s": f"{wall:.1f}",
            "plain reads": f"{wall / plain[0]:.1f}",
            "processor s": f"{processor:.1f}",
            "plain reads of it": f"{processor / plain[1]:.1f}",
        }
        for name, (wall, processor) in times.items()
    ]
    rows.append({"": "peak memory, MB", "s": f"{memory / 1e6:.0f}"})
    note = NOTE.format(rows=ROWS, size=ROWS * 4 * WEIGHTS / 1e9, kept=KEPT, block=MAPPED, cores=cores())
    of = {name: {"wall": float(wall), "processor": float(processor)} for name, (wall, processor) in times.items()}
    numbers = {"rows": ROWS, "seconds": of, "peak_bytes": memory}
    return Report("As many filters as CNN Filter DB has, from blocks to D", rows, [note], numbers)


def _passes(filters: np.ndarray, rows: int) -> dict[str, np.ndarray]:
    """Seconds of each pass over so many rows, and of the drift between groups of them."""
    measured, of_moments = _seconds("moments", lambda: moments(blocks(filters, 0, rows), WEIGHTS))
    basis = fit(measured)
    limits, of_range = _seconds("range", lambda: extremes(blocks(filters, 0, rows), basis))
    low, high = bounds(basis)
    assert low <= limits[0] < limits[1] <= high
    borders = edges(*limits, Analysis().bins)
    cuts = pairwise(np.linspace(0, rows, GROUPS + 1).astype(int))
    counts, of_histograms = _seconds(
        "histograms", lambda: np.stack([histograms(blocks(filters, *cut), basis, borders) for cut in cuts])
    )
    assert (counts[..., :-1].sum(axis=(0, 2)) == rows).all()
    shares = distributions(counts[..., :-1], borders[1] - borders[0], Analysis())
    _, of_drift = _seconds("drift", lambda: pairwise_drift(shares, basis.ratios))
    return {"moments": of_moments, "range": of_range, "histograms": of_histograms, "drift": of_drift}


def _read(path: Path, rows: int) -> None:
    """As many rows into one small buffer."""
    buffer = np.empty((BLOCK, WEIGHTS), np.float32)
    with path.open("rb", buffering=0) as file:
        for _ in range(0, rows, BLOCK):
            if not file.readinto(buffer):
                file.seek(0)
                file.readinto(buffer)


def _seconds(name: str, part: Callable[[], Any]) -> tuple[Any, np.ndarray]:
    """What a part makes, and its seconds, on the clock and of the processor."""
    print(f"billion: {name}", file=sys.stderr, flush=True)
    began = np.array([time.perf_counter(), time.process_time()])
    result = part()
    return result, np.array([time.perf_counter(), time.process_time()]) - began


def _reset_peak() -> int:
    """Bytes that this process has; from here on its peak is counted anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
