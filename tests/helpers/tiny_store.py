"""Small networks as readers give them, and their artifacts, which several tests use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keyfilters.filters.extract import store
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.zoo.network import Convolution, Network, kind_of

SHAPES = ((8, 3, 3, 3), (8, 1, 3, 3), (16, 8, 1, 1), (4, 16, 3, 3), (4, 2, 5, 5))
GROUPS = (1, 8, 1, 1, 2)


def weight(shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def convolution(shape, groups=1, name="conv", depth=None, seed=0, transposed=False):
    kind = kind_of(shape, groups, transposed)
    return Convolution(name, shape, lambda: weight(shape, seed), kind, groups, (1, 1), depth)


def network(seed=0, shapes=SHAPES, groups=GROUPS):
    layers = zip(shapes, groups, strict=True)
    convolutions = [convolution(shape, of, f"conv{i}", 3 * i + 1, seed) for i, (shape, of) in enumerate(layers)]
    return Network(tuple(convolutions), {"Conv": len(convolutions), "Relu": 4}, 3 * len(convolutions), "tiny 1.0", 17)


def job(root: Path, name: str, model: Network) -> Job:
    """The `extract` job of a model, whose artifact lies below `root`."""
    extract = Job("extract", name, {"format": "onnx"})
    with artifacts.write(root, extract.description) as draft:
        entry = {"Name": "Tiny", "Task": f"task of {name}"}
        draft.facts.update(store(model, draft.path), format="onnx", entry=entry)
    return extract
