"""Sparse tensors of TensorFlow Lite, made dense."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tflite

VECTORS = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}


def to_dense(values: np.ndarray, shape: tuple[int, ...], sparsity: Any) -> np.ndarray:
    """The tensor of this `shape` of which only `values`, in the order of the levels of `sparsity`, are stored.

    A level is one dimension of the tensor, or of the small blocks it is divided into. In a dense level every index
    occurs; a compressed one says for each position of the level above where its indices begin, and which they are.
    """
    order = sparsity.TraversalOrderAsNumpy().tolist()
    blocked = [] if sparsity.BlockMapIsNone() else sparsity.BlockMapAsNumpy().tolist()
    levels = [sparsity.DimMetadata(i) for i in range(len(order))]
    positions = np.zeros(1, np.int64)
    indices: list[np.ndarray] = []
    for level in levels:
        if level.Format() == tflite.DimensionType.DENSE:
            size = level.DenseSize()
            counts = np.full(len(positions), size)
            first = positions * size
        else:
            starts = _numbers(level.ArraySegmentsType(), level.ArraySegments())
            counts, first = np.diff(starts)[positions], starts[positions]
        if counts.min(initial=0) < 0 or counts.sum() > math.prod(shape):
            raise ValueError("a sparse tensor says to hold more than its shape")
        parent = np.repeat(np.arange(len(positions)), counts)
        within = np.arange(len(parent)) - np.repeat(np.cumsum(counts) - counts, counts)
        positions = first[parent] + within
        is_dense = level.Format() == tflite.DimensionType.DENSE
        index = within if is_dense else _numbers(level.ArrayIndicesType(), level.ArrayIndices())[positions]
        indices = [*(above[parent] for above in indices), index]

    block = [1] * len(shape)
    for i, axis in enumerate(blocked):
        block[axis] = levels[order.index(len(shape) + i)].DenseSize()
    axes = [np.zeros(len(positions), np.int64) for _ in shape]
    for dimension, index in zip(order, indices, strict=True):
        if dimension < len(shape):
            axes[dimension] += index * block[dimension]
        else:
            axes[blocked[dimension - len(shape)]] += index
    dense = np.zeros(shape, values.dtype)
    dense[tuple(axes)] = values[positions]
    return dense


def _numbers(kind: int, table: Any) -> np.ndarray:
    vector = VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy(), np.int64)
