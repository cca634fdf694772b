"""A study of tiny networks that are trained here, as if, whose filters the figures of such networks draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from keyfilters.analysis.stages import basis, filterdb
from keyfilters.config.analysis import Analysis, FilterSet, tables_of
from keyfilters.filters.extract import store
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.zoo.network import Convolution, Network, kind_of
from tests.helpers.analysed_filters import analyse

REGULAR, DEPTHWISE = "regular_3x3", "depthwise_3x3"
SETS = {"apples": 500, "pears": 500, "plums": 100_000}  # with their numbers of training images
WIDTHS = (20, 40, 40, 60)  # of the depthwise layers
EPOCHS = (0, 2)
ROBUST = "robust"  # a package's network, whose file tells no depths; with an all-zero and a constant layer


def weights(*seed: int, shape: tuple[int, ...], slope: float = 0.0) -> np.ndarray:
    """Normal weights of unequal variances with a slope."""
    drawn = np.random.default_rng(seed).normal(size=shape) * np.geomspace(1, 0.1, 9).reshape(3, 3)
    return (drawn + np.linspace(-slope, slope, 3)).astype(np.float32)


def network(name: str, epoch: int = 2) -> Network:
    """Two regular layers of 240 and 12 filters, and depthwise ones that differ much by layer and little by set."""
    if name == ROBUST:
        parts = [np.zeros((10, 10, 3, 3)), np.ones((10, 10, 3, 3)), weights(99, shape=(20, 10, 3, 3))]
        convolutions = [_convolution(f"conv{n}", part.astype(np.float32), None) for n, part in enumerate(parts)]
        return Network(tuple(convolutions), None, None, "tiny 1.0", None)
    seed = list(SETS).index(name)
    parts = [weights(seed, epoch, shape=(20, 12, 3, 3), slope=epoch), weights(seed, 1, shape=(4, 3, 3, 3))]
    parts += [weights(seed, 10 + n, shape=(width, 1, 3, 3), slope=n) for n, width in enumerate(WIDTHS)]
    convolutions = [_convolution(f"conv{n}", part, n + 1) for n, part in enumerate(parts)]
    return Network(tuple(convolutions), {"Conv": len(convolutions)}, len(convolutions), "tiny 1.0", 17)


def _convolution(name: str, weight: np.ndarray, depth: int | None) -> Convolution:
    groups = len(weight) if weight.shape[1] == 1 else 1
    return Convolution(name, weight.shape, lambda: weight, kind_of(weight.shape, groups, False), groups, (1, 1), depth)


def filters_of_layers(name: str, regular: bool, epoch: int = 2) -> list[np.ndarray]:
    """The filters `[n, 9]` of a network's regular or depthwise layers, without the store."""
    kind = "regular" if regular else "depthwise"
    return [conv.load().reshape(-1, 9) for conv in network(name, epoch).convolutions if conv.kind == kind]


class TrainedStudy:
    """The jobs of the analysis of these networks with their artifacts below `root`, the tables below `results`."""

    def __init__(self, folder: Path) -> None:
        self.root, self.results = folder / "artifacts", folder / "results"
        kinds = {REGULAR: ("regular",), DEPTHWISE: ("depthwise",)}
        sets = {name: FilterSet(kinds=of, min_filters=100) for name, of in kinds.items()}
        self.analysis = Analysis(sets=sets)
        self.networks = {name: self._train(name, images) for name, images in SETS.items()}
        extracts = {name: self._extract(name) for name in (*SETS, ROBUST)}
        counted = extracts | {epoch: self._extract("apples", epoch) for epoch in EPOCHS}
        self.basis, self.layers, self.histograms = analyse(self.root, self.analysis, extracts, counted)
        self.extracts = extracts
        self.tables = {name: self._tables(name) for name in sets}

    def _train(self, name: str, images: int) -> Job:
        job = Job("train", name, {"model": {"architecture": "convnext_femto"}, "training": {}})
        with artifacts.write(self.root, job.description) as draft:
            sizes = {"layer.weight": np.zeros((50, 20), np.float32), "norm.weight": np.zeros(7, np.float32)}
            save_file(sizes, draft.path / "model.safetensors")
            dataset = {"name": name, "title": name.title(), "train": images}
            draft.facts.update(accuracy=0.5 + 0.1 * list(SETS).index(name), dataset=dataset)
        return job

    def _extract(self, name: str, epoch: int | None = None) -> Job:
        inputs = {} if name == ROBUST else {"network": self.networks[name]}
        label = name if epoch is None else f"{name}-epoch{epoch}"
        job = Job("extract", label, {"format": "onnx"}, inputs)
        with artifacts.write(self.root, job.description) as draft:
            family = "LeNet" if name == ROBUST else "convnext_femto"
            entry = {"Name": family, "Task": "classification", "Training-Dataset": name.title()}
            draft.facts.update(store(network(name, 2 if epoch is None else epoch), draft.path))
            draft.facts.update(format="onnx", entry=entry)
        return job

    def _tables(self, name: str) -> Job:
        settings = tables_of(self.analysis, name, {})
        inputs = {"layers": self.layers, "basis": self.basis}
        inputs |= {model: job for model, job in self.histograms.items() if model in (*SETS, ROBUST)}
        job = Job("filterdb", name, settings, inputs)
        filterdb.filterdb(job.description, self.root, self.results / "filterdb" / name / "tables.json")
        return job

    def bins(self, name: str) -> basis.Bins:
        return basis.read(artifacts.read(self.root, self.basis.folder))[name]
