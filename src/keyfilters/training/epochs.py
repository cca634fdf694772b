"""Weights of a training that are kept from single epochs; a checkpoint holds them too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor, nn

Weights = dict[str, Tensor]


def weights_of(network: nn.Module) -> Weights:
    """Everything that the network's file holds, on the CPU and apart from the network."""
    return {name: weight.detach().to("cpu", copy=True).contiguous() for name, weight in network.state_dict().items()}


class Formation:
    """Weights `[epoch]` after some epochs, 0 is before the first: how the filters form."""

    def __init__(self, network: nn.Module, epochs: Collection[int]) -> None:
        self.network, self.epochs = network, epochs
        self.kept: dict[int, Weights] = {}

    def after_epoch(self, number: int) -> None:
        if number in self.epochs:
            self.kept[number] = weights_of(self.network)

    def state_dict(self) -> dict[str, Any]:
        return {"kept": self.kept}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.kept = saved["kept"]


class Best:
    """Weights of the first epoch with the highest accuracy; `test` gives the present one."""

    def __init__(self, network: nn.Module, test: Callable[[], float]) -> None:
        self.network, self.test = network, test
        self.epoch, self.accuracy = 0, -1.0
        self.weights: Weights = {}

    def after_epoch(self, number: int) -> None:
        if number == 0:
            return
        accuracy = self.test()
        self.network.train()
        if accuracy > self.accuracy:
            self.epoch, self.accuracy, self.weights = number, accuracy, weights_of(self.network)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "accuracy": self.accuracy, "weights": self.weights}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.epoch, self.accuracy, self.weights = saved["epoch"], saved["accuracy"], saved["weights"]
