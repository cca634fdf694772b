"""Weights of a training that are kept from single epochs; a checkpoint holds them too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
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
    """Weights of the first epoch with the highest accuracy; `test` says which test images are right, bool `[N]`."""

    def __init__(self, network: nn.Module, test: Callable[[], Tensor]) -> None:
        self.network, self.test = network, test
        self.epoch, self.correct = 0, torch.zeros(0, dtype=torch.bool)
        self.weights: Weights = {}

    def after_epoch(self, number: int) -> None:
        if number == 0:
            return
        correct = self.test()
        self.network.train()
        if not self.epoch or correct.sum() > self.correct.sum():
            self.epoch, self.correct, self.weights = number, correct, weights_of(self.network)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "correct": self.correct, "weights": self.weights}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.epoch, self.correct, self.weights = saved["epoch"], saved["correct"], saved["weights"]
