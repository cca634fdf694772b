"""Rows/s of the analysis of filters, against numpy and scikit-learn as the authors' notebook uses them."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA

from benchmarks.report import Report, Sample
from keyfilters.analysis.basis import Basis, fit
from keyfilters.analysis.coefficients import edges, extremes, histograms
from keyfilters.analysis.drift import distributions, pairwise_drift
from keyfilters.analysis.moments import moments
from keyfilters.analysis.streaming import cores
from keyfilters.config.analysis import Analysis

ROWS = 20_000_000
GROUPS = 10  # of the rows, between which the whole measures drift
MODELS = 650  # of the matrix that is measured alone
BLOCK = 1 << 14  # rows that are drawn, or read plainly, at once: a small buffer
MAPPED = 1 << 17  # rows of the mapped file that are gone through at once
WEIGHTS, BINS = 9, Analysis().bins

NOTE = (
    "{rows:,} filters of 3x3, drawn at random with neighbours correlated, float32, in a file that lies in memory, "
    "as {groups} groups; all {cores} cores. The whole goes through the file, mapped, three times: for moments, for "
    "the range, for the histograms of the groups; then the matrix of drift. A plain read is numpy.fromfile, which "
    "needs fresh memory for all of it; a read in blocks goes into one small buffer, which stays in the cache. The "
    "notebook's way: all in memory; numpy scales, scikit-learn's PCA(svd_solver='full') fits and transforms, "
    "numpy.histogram counts each group's components, SciPy's entropy compares them; once, however many rounds. The "
    "first call of everything, which compiles, is not counted. Ratios are of one round."
)


def report(rounds: int) -> Report:
    """Rows/s of moments, of histograms and of the whole from file to D, and seconds of a matrix of `MODELS` models."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "filters"
        filters = draw(ROWS)
        filters.tofile(path)
        basis = fit(moments(filters, WEIGHTS))
        borders = edges(*extremes(filters, basis), BINS)
        counts = np.random.default_rng(0).integers(0, 1000, (MODELS, WEIGHTS, BINS))
        parts: dict[str, Callable[[], object]] = {
            "scale + moments": lambda: moments(filters, WEIGHTS),
            "scale + project + nine histograms": lambda: histograms(filters, basis, borders),
            "whole, file to D": lambda: whole(path),
            "plain read of the file": lambda: np.fromfile(path, np.float32),
            "the same, in blocks": lambda: read_in_blocks(path),
            "D matrix": lambda: pairwise_drift(distributions(counts, 0.1, Analysis()), basis.ratios),
        }
        seconds: dict[str, list[float]] = {name: [] for name in parts}
        for number in range(rounds + 1):
            print(f"analysis: round {number} of {rounds}", file=sys.stderr, flush=True)
            for name, part in parts.items():
                seconds[name].append(_seconds(part))
        seconds = {name: values[1:] for name, values in seconds.items()}
        print("analysis: the notebook's way", file=sys.stderr, flush=True)
        theirs = _seconds(lambda: notebook(filters))
    return _report(seconds, theirs, rounds)


def _report(seconds: dict[str, list[float]], theirs: float, rounds: int) -> Report:
    matrix = Sample(tuple(seconds.pop("D matrix")))
    rates = {name: Sample(tuple(ROWS / 1e6 / value for value in values)) for name, values in seconds.items()}
    ours = seconds["whole, file to D"]
    faster = Sample(tuple(theirs / value for value in ours))
    slower, slower_than_blocks = (
        Sample(tuple(value / plain for value, plain in zip(ours, seconds[read], strict=True)))
        for read in ("plain read of the file", "the same, in blocks")
    )
    to_reach = {"scale + moments": "60", "scale + project + nine histograms": "60"}
    rows = [
        {"": name, "million rows/s": rate.text(",.0f"), "n": rounds, "to reach": to_reach.get(name, "")}
        for name, rate in rates.items()
    ]
    rows += [
        {"": "the notebook's way", "million rows/s": f"{ROWS / 1e6 / theirs:.2f}", "n": 1},
        {"": "whole : notebook, times as fast", "million rows/s": faster.text(".0f"), "n": rounds, "to reach": "10"},
        {
            "": "whole : plain read, times as long",
            "million rows/s": slower.text(".1f"),
            "n": rounds,
            "to reach": "<= 10",
        },
        {"": "whole : read in blocks", "million rows/s": slower_than_blocks.text(".1f"), "n": rounds},
        {"": f"D of {MODELS} models, s", "million rows/s": matrix.text(".2f"), "n": rounds, "to reach": "< 2"},
    ]
    numbers = {
        "rows": ROWS,
        "million_rows_per_second": {name: rate.numbers for name, rate in rates.items()},
        "notebook_seconds": theirs,
        "times_as_fast_as_the_notebook": faster.numbers,
        "times_as_long_as_a_plain_read": slower.numbers,
        "times_as_long_as_a_read_in_blocks": slower_than_blocks.numbers,
        "matrix_seconds": matrix.numbers,
    }
    note = NOTE.format(rows=ROWS, groups=GROUPS, cores=cores())
    return Report("Analysis of filters", rows, [note], numbers)


def draw(rows: int) -> np.ndarray:
    """float32 `[rows, 9]`: normal, neighbouring weights correlated, one filter in a hundred all zero."""
    random = np.random.default_rng(rows)
    mixing = np.exp(-np.abs(np.subtract.outer(np.arange(WEIGHTS), np.arange(WEIGHTS))) / 2).astype(np.float32)
    filters = np.empty((rows, WEIGHTS), np.float32)
    for start in range(0, rows, BLOCK):
        part = filters[start : start + BLOCK]
        part[:] = random.standard_normal(part.shape, dtype=np.float32) @ mixing
    filters[::100] = 0
    return filters


def mapped(path: Path) -> np.ndarray:
    """The filters of the file, `[rows, 9]`, where they lie."""
    return np.memmap(path, np.float32, "r").reshape(-1, WEIGHTS)


def blocks(filters: np.ndarray, start: int, stop: int) -> Iterator[np.ndarray]:
    """Rows `start` to `stop` of the filters repeated without end, in blocks."""
    while start < stop:
        first = start % len(filters)
        block = filters[first : first + min(MAPPED, stop - start)]
        yield block
        start += len(block)


def read_in_blocks(path: Path) -> None:
    """The file once, every block into the same memory."""
    buffer = np.empty((BLOCK, WEIGHTS), np.float32)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def whole(path: Path) -> np.ndarray:
    """D between the groups of the file, in the basis and over the range of all of it."""
    filters = mapped(path)
    basis: Basis = fit(moments(blocks(filters, 0, ROWS), WEIGHTS))
    borders = edges(*extremes(blocks(filters, 0, ROWS), basis), BINS)
    cuts = np.linspace(0, ROWS, GROUPS + 1).astype(int)
    counts = [histograms(blocks(filters, *cut), basis, borders) for cut in pairwise(cuts)]
    shares = distributions(np.stack(counts)[:, :, :-1], borders[1] - borders[0], Analysis())
    return pairwise_drift(shares, basis.ratios)


def notebook(filters: np.ndarray) -> np.ndarray:
    """The same with numpy and scikit-learn over the whole array, in the steps of the authors' notebook."""
    from scipy.stats import entropy

    peaks = np.abs(filters).max(axis=1, keepdims=True)
    peaks[peaks == 0] = 1
    pca = PCA(n_components=WEIGHTS, svd_solver="full")
    coefficients = pca.fit_transform(filters / peaks)
    limits = coefficients.min(), coefficients.max()
    shares = []
    for group in np.array_split(coefficients, GROUPS):
        densities = [np.histogram(column, BINS, limits, density=True)[0].astype(np.float64) for column in group.T]
        shares.append([np.where(density == 0, np.finfo(np.float32).eps, density) for density in densities])
    drift = np.zeros((GROUPS, GROUPS))
    for i, p in enumerate(shares):
        for j, q in enumerate(shares):
            divergence = [entropy(a, b) + entropy(b, a) for a, b in zip(p, q, strict=True)]
            drift[i, j] = np.dot(divergence, pca.explained_variance_ratio_)
    return drift


def _seconds(part: Callable[[], object]) -> float:
    began = time.perf_counter()
    part()
    return time.perf_counter() - began
