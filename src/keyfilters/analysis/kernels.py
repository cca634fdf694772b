"""The loops over filters, compiled; no other module imports numba.

A kernel takes one chunk, floating point `[n, d]`, and goes through it in tiles of `TILE` filters, transposed so that
a tile stays in the innermost cache and every loop runs along filters, whatever the kernels' size d.
Sums are float64; the division (9) is done as numpy does it, in the chunk's own type. No kernel holds the interpreter's
lock, so that threads share the data. Loops may reorder sums and fuse multiply-adds where `fastmath` says so, and
nowhere assume that there is no NaN.

Compiled code is kept beside this file, or in the user's cache folder where that is read-only (numba's own rule;
NUMBA_CACHE_DIR names another place), and made anew in every process where neither can be written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

TILE = 512
UNCERTAIN = 1e-9  # a bin's width within which rounding may have put a value on the wrong side of an edge


def _compiled(**options: Any) -> Callable[[Callable], Callable]:
    """`numba.njit`, with the result kept on disk if there is any place for it."""

    def decorate(function: Callable) -> Callable:
        try:
            return numba.njit(nogil=True, error_model="numpy", cache=True, **options)(function)
        except RuntimeError:  # numba found no folder that it can write to
            return numba.njit(nogil=True, error_model="numpy", **options)(function)

    return decorate


@_compiled()
def _load(filters, tile):
    """Transpose a tile of filters `[n, d]` into `tile [d, TILE]`."""
    n, d = filters.shape
    for c in range(d):
        row = tile[c]
        for r in range(n):
            row[r] = filters[r, c]


@_compiled()
def _peaks(tile, n, peak):
    """The largest absolute weight of every filter of a tile; of no meaning if one is NaN."""
    peak = peak[:n]
    for r in range(n):
        peak[r] = 0
    for c in range(tile.shape[0]):
        row = tile[c, :n]
        for r in range(n):
            weight = abs(row[r])
            peak[r] = peak[r] if weight <= peak[r] else weight


@_compiled()
def _scale(tile, n, peak):
    """Divide every filter by its largest absolute weight (9), an all-zero one by 1."""
    _peaks(tile, n, peak)
    d, peak = tile.shape[0], peak[:n]
    for r in range(n):
        peak[r] = peak[r] if peak[r] != 0 else 1
    for c in range(d):
        row = tile[c, :n]
        for r in range(n):
            row[r] = row[r] / peak[r]


@_compiled(fastmath={"contract"})
def _project(tile, n, mean, components, centred, coefficients):
    """Coefficients (3) of a tile, `[d, TILE]`: one sum per filter and component, in the order of the weights."""
    d = tile.shape[0]
    for c in range(d):
        middle, row, out = mean[c], tile[c, :n], centred[c, :n]
        for r in range(n):
            out[r] = row[r] - middle
    for i in range(d):
        out, v = coefficients[i, :n], components[i]
        for r in range(n):
            out[r] = 0
        c = 0
        while c + 9 <= d:  # nine at a time, as a 3x3 kernel has them: a ninth of the stores
            v0, v1, v2 = v[c], v[c + 1], v[c + 2]
            v3, v4, v5 = v[c + 3], v[c + 4], v[c + 5]
            v6, v7, v8 = v[c + 6], v[c + 7], v[c + 8]
            x0, x1, x2 = centred[c, :n], centred[c + 1, :n], centred[c + 2, :n]
            x3, x4, x5 = centred[c + 3, :n], centred[c + 4, :n], centred[c + 5, :n]
            x6, x7, x8 = centred[c + 6, :n], centred[c + 7, :n], centred[c + 8, :n]
            for r in range(n):
                first = out[r] + v0 * x0[r] + v1 * x1[r] + v2 * x2[r]
                second = first + v3 * x3[r] + v4 * x4[r] + v5 * x5[r]
                out[r] = second + v6 * x6[r] + v7 * x7[r] + v8 * x8[r]
            c += 9
        while c < d:
            v0, x0 = v[c], centred[c, :n]
            for r in range(n):
                out[r] = out[r] + v0 * x0[r]
            c += 1


@_compiled(fastmath={"reassoc", "contract"})
def _dot(a, b):
    total = 0.0
    for r in range(a.shape[0]):
        total += a[r] * b[r]
    return total


@_compiled(fastmath={"reassoc"})
def _sum(a):
    total = 0.0
    for r in range(a.shape[0]):
        total += a[r]
    return total


@_compiled()
def _bins_of(values, edges, bins):
    """The bin of every value into `bins`, as `numpy.histogram` has it; the one past the last if out of the range.

    A uniform bin's number is computed; where that comes so near to an edge that rounding decides, the edges do.
    """
    n, last = values.shape[0], edges.shape[0] - 2
    low, high = edges[0], edges[last + 1]
    per_unit = (last + 1) / (high - low)
    uncertain = max(UNCERTAIN, 16 * np.finfo(np.float64).eps * max(abs(low), abs(high)) * per_unit)
    near_edges = 0
    for r in range(n):
        position = (values[r] - low) * per_unit
        position = position if (values[r] >= low) & (values[r] <= high) else last + 1.5
        bins[r] = np.int32(position)
        past_edge = position - bins[r]
        near_edges |= np.int32((past_edge < uncertain) | (past_edge > 1 - uncertain))
    if not near_edges:
        return
    for r in range(n):
        if values[r] >= low and values[r] <= high:
            number = min(bins[r], last)
            while values[r] < edges[number]:
                number -= 1
            while number < last and values[r] >= edges[number + 1]:
                number += 1
            bins[r] = number


@_compiled()
def peaks(filters):
    """The largest absolute weight of every filter, `[n]`, in the type they came in."""
    n, d = filters.shape
    tile, peak = np.empty((d, TILE), filters.dtype), np.empty(n, filters.dtype)
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        _load(filters[start : start + size], tile)
        _peaks(tile, size, peak[start : start + size])
    return peak


@_compiled()
def scale(filters):
    """Filters scaled by their peaks (9), `[n, d]`, in the type they came in."""
    n, d = filters.shape
    tile, peak = np.empty((d, TILE), filters.dtype), np.empty(TILE, filters.dtype)
    scaled = np.empty((n, d), filters.dtype)
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        _load(filters[start : start + size], tile)
        _scale(tile, size, peak)
        scaled[start : start + size] = tile[:, :size].T
    return scaled


@_compiled()
def moments(filters, scaled):
    """Count, mean `[d]` and scatter around it `[d, d]` of the filters, scaled (9) or as they are.

    Every tile is centred on its own mean and merged (Chan et al. 1979), so that a small variance beside a large mean
    keeps its digits, and equal filters have a scatter of exactly zero.
    """
    n, d = filters.shape
    tile, peak = np.empty((d, TILE), filters.dtype), np.empty(TILE, filters.dtype)
    centred = np.empty((d, TILE))
    mean, shift, scatter = np.zeros(d), np.empty(d), np.zeros((d, d))
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        _load(filters[start : start + size], tile)
        if scaled:
            _scale(tile, size, peak)
        for c in range(d):
            row, out = tile[c, :size], centred[c, :size]
            for r in range(size):
                out[r] = row[r]
            middle = _sum(out) / size
            for r in range(size):
                out[r] = out[r] - middle
            shift[c] = middle - mean[c]
        weight = start * (size / (start + size))
        for i in range(d):
            for j in range(i + 1):
                scatter[i, j] += _dot(centred[i, :size], centred[j, :size]) + shift[i] * shift[j] * weight
        for c in range(d):
            mean[c] += shift[c] * (size / (start + size))
    for i in range(d):
        for j in range(i):
            scatter[j, i] = scatter[i, j]
    return n, mean, scatter


@_compiled()
def coefficients(filters, mean, components):
    """Coefficients (3) of the scaled filters, float64 `[n, d]`."""
    n, d = filters.shape
    tile, peak = np.empty((d, TILE), filters.dtype), np.empty(TILE, filters.dtype)
    centred, projected, by_filter = np.empty((d, TILE)), np.empty((d, TILE)), np.empty((n, d))
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        _load(filters[start : start + size], tile)
        _scale(tile, size, peak)
        _project(tile, size, mean, components, centred, projected)
        by_filter[start : start + size] = projected[:, :size].T
    return by_filter


@_compiled(fastmath={"contract"})
def _squared_distances(tile, n, mean, squares):
    """Of every filter of a tile from the mean."""
    squares = squares[:n]
    for r in range(n):
        squares[r] = 0
    for c in range(tile.shape[0]):
        middle, row = mean[c], tile[c, :n]
        for r in range(n):
            squares[r] = squares[r] + (row[r] - middle) ** 2


@_compiled()
def _widen(filters, n, mean, components, centred, projected, low, high):
    """Take the coefficients of a tile into the smallest and the largest at each of its places; a NaN is in neither."""
    _project(filters, n, mean, components, centred, projected)
    for i in range(filters.shape[0]):
        row = projected[i, :n]
        for r in range(n):
            low[r] = row[r] if row[r] < low[r] else low[r]
            high[r] = row[r] if row[r] > high[r] else high[r]


@_compiled()
def extremes(filters, mean, components):
    """The smallest and the largest coefficient; infinity and minus infinity if there is none.

    No coefficient is larger than its filter's distance from the mean: only filters that are farther from it than the
    range known so far are projected, gathered into tiles of their own.
    """
    n, d = filters.shape
    tile, peak = np.empty((d, TILE), filters.dtype), np.empty(TILE, filters.dtype)
    far, centred, projected = np.empty((d, TILE), filters.dtype), np.empty((d, TILE)), np.empty((d, TILE))
    squares, low, high = np.empty(TILE), np.full(TILE, np.inf), np.full(TILE, -np.inf)
    waiting, limit = 0, -1.0
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        _load(filters[start : start + size], tile)
        _scale(tile, size, peak)
        _squared_distances(tile, size, mean, squares)
        for r in range(size):
            if squares[r] <= limit:
                continue
            for c in range(d):
                far[c, waiting] = tile[c, r]
            waiting += 1
            if waiting == TILE:
                _widen(far, waiting, mean, components, centred, projected, low, high)
                distance = min(-low.min(), high.max())
                limit = distance * distance * (1 - 1e-9) if distance > 0 else -1.0
                waiting = 0
    _widen(far, waiting, mean, components, centred, projected, low, high)
    return low.min(), high.max()


@_compiled()
def histograms(filters, mean, components, edges):
    """Counts of the coefficients between uniform `edges [bins + 1]`: int64 `[d, bins + 1]`, the last those outside."""
    n, d = filters.shape
    tile, peak = np.empty((d, TILE), filters.dtype), np.empty(TILE, filters.dtype)
    centred, projected, bins = np.empty((d, TILE)), np.empty((d, TILE)), np.empty((d, TILE), np.uint32)
    counts = np.zeros((d, edges.shape[0]), np.int64)
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        _load(filters[start : start + size], tile)
        _scale(tile, size, peak)
        _project(tile, size, mean, components, centred, projected)
        for i in range(d):
            _bins_of(projected[i, :size], edges, bins[i, :size])
        # Unsigned numbers, so that no index is checked for a sign; from one histogram after the other, so that none
        # waits for the last one's store.
        for r in range(size):
            for i in range(d):
                counts[i, bins[i, r]] += 1
    return counts
