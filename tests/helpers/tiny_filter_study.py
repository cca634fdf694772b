"""A study of a few tiny networks whose filters are analysed, which tests of its figures use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keyfilters.analysis.stages import basis, filterdb
from keyfilters.config.analysis import FILTERS_OF, Analysis, FilterSet, tables_of
from keyfilters.filters.extract import store
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.zoo.network import Convolution, Network
from tests.helpers.analysed_filters import analyse

SET = "conv_3x3"
MIN_FILTERS = 150
SHAPE = (16, 12, 3, 3)  # 192 filters
KNOWN = {  # what is known of each network: a group alone has enough filters, one network has not
    "one": {"Name": "ResNet-9", "Task": "classification", "Visual Category": "natural", "Training-Dataset": "A"},
    "two": {"Name": "resnet50", "Task": "classification", "Visual Category": "natural", "Training-Dataset": "B"},
    "three": {"Name": "lowres_resnet9", "Task": "classification", "Visual Category": "digits", "Training-Dataset": "B"},
    "four": {"Name": "VGG", "Task": "people segmentation", "Visual Category": "people", "Training-Dataset": "A"},
    "five": {"Name": "U-Net", "Task": "Segmentation", "Visual Category": "digits", "Training-Dataset": "A"},
    "small": {"Name": "LeNet", "Task": "driving", "Visual Category": "vehicles", "Training-Dataset": "C"},
}


def weights(name: str, layer: int) -> np.ndarray:
    """Weights of a layer, of unequal variances with a slope of its network's own; some are constant or zero."""
    seed = list(KNOWN).index(name)
    if name == "small":
        return np.random.default_rng(seed).normal(size=(4, 4, 3, 3)).astype(np.float32)
    if layer == 2:
        return {"four": np.ones, "five": np.zeros}.get(name, np.ones)((16, 12, 3, 3)).astype(np.float32)
    drawn = np.random.default_rng([seed, layer]).normal(size=SHAPE) * np.geomspace(1, 0.1, 9).reshape(3, 3)
    return (drawn + np.linspace(-0.1, 0.1, 3) * seed).astype(np.float32)


def network(name: str) -> Network:
    convolutions = []
    for layer in range(1 if name == "small" else 3 if name in ("four", "five") else 2):
        weight = weights(name, layer)
        convolutions.append(
            Convolution(f"conv{layer}", weight.shape, lambda w=weight: w, "regular", 1, (1, 1), layer + 1)
        )
    return Network(tuple(convolutions), {"Conv": len(convolutions)}, len(convolutions), "tiny 1.0", 17)


class FilterStudy:
    """The jobs of the analysis of these networks with their artifacts below `root`, the tables below `results`."""

    def __init__(self, folder: Path, **least: int) -> None:
        self.root, self.results = folder / "artifacts", folder / "results"
        self.analysis = Analysis(sets={SET: FilterSet(**{"min_filters": MIN_FILTERS} | least)})
        self.extracts = {name: self._extract(name) for name in KNOWN}
        self.basis, self.layers, self.histograms = analyse(self.root, self.analysis, self.extracts)
        settings = tables_of(self.analysis, SET, {})
        self.tables = Job("filterdb", SET, settings, {"layers": self.layers, "basis": self.basis, **self.histograms})
        filterdb.filterdb(self.tables.description, self.root, self.results / "filterdb" / SET / "tables.json")

    def _extract(self, name: str) -> Job:
        job = Job("extract", name, {"format": "onnx"})
        with artifacts.write(self.root, job.description) as draft:
            entry = KNOWN[name] | {"Precision": "float32"}
            draft.facts.update(store(network(name), draft.path), format="onnx", entry=entry)
        return job

    def figure(self, name: str, **settings) -> Job:
        """The job of a figure of the set, with what one that draws distributions has."""
        inputs = {f"{name}/{role}": job for role, job in {"filterdb": self.tables, **self.tables.inputs}.items()}
        inputs |= {f"{FILTERS_OF}{model}": job for model, job in self.extracts.items()}
        return Job(name, name, {"set": SET, **self.tables.settings, **settings}, inputs)

    def read_bins(self) -> basis.Bins:
        return basis.read(artifacts.read(self.root, self.basis.folder))[SET]
