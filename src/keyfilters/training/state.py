"""A training between two steps: all that decides how it goes on, which is what a checkpoint holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from keyfilters.config.training import Training
from keyfilters.training import recipe

LOOSE = ("order", "seen", "loss_sum", "right", "losses")  # what is no part with a state of its own


def learning_rate_factor(step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate at `step` of `steps`: linear up, then half a cosine down to zero."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def schedule(training: Training, images: int) -> Callable[[int], float]:
    """Share of the peak learning rate at each step of a training on `images` images."""
    per_epoch = math.ceil(training.images_per_epoch(images) / training.batch_size)
    steps, warmup = training.epochs * per_epoch, round(training.warmup_epochs * per_epoch)
    least = training.min_learning_rate / training.learning_rate
    factor = partial(recipe.between, least) if least else learning_rate_factor
    return partial(factor, steps=steps, warmup=warmup)


def optimiser(network: nn.Module, training: Training) -> torch.optim.Optimizer:
    """SGD as `recipe.sgd`, or AdamW over the weights that train; there biases, norms and scales do not decay."""
    if training.optimiser == "sgd":
        return recipe.sgd(network, training)
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in trained if weight.ndim > 1], "weight_decay": training.weight_decay},
        {"params": [weight for weight in trained if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.learning_rate, fused=True)


class State:
    """What changes while `network` is trained on `images` images by a recipe.

    `parts`: by name, whatever has `state_dict` and `load_state_dict`; a checkpoint holds them all.
    `generator`: order and augmentation; it lives on the device that trains.
    `order`: int64 `[images]`, the images of the present epoch in their order; the first `self.images` of them are
    trained on, `seen` have been, with losses that add up to `loss_sum` and `right` of them recognised. `losses`: the
    mean of each finished epoch.
    """

    def __init__(self, network: nn.Module, training: Training, images: int, generator: torch.Generator) -> None:
        self.network, self.generator = network, generator
        self.optimizer = optimiser(network, training)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, schedule(training, images))
        self.parts: dict[str, Any] = {"network": network, "optimizer": self.optimizer, "schedule": self.schedule}
        self.order = torch.arange(images, device=generator.device)
        self.images = training.images_per_epoch(images)
        self.losses: list[float] = []
        self._reset()

    def _reset(self) -> None:
        self.seen = 0
        self.loss_sum = torch.zeros((), device=self.generator.device)
        self.right = torch.zeros((), dtype=torch.int64, device=self.generator.device)

    def begin_epoch(self) -> None:
        """Draw the order of an epoch; one that was under way keeps its own."""
        if not self.seen:
            self.order = torch.randperm(len(self.order), generator=self.generator, device=self.generator.device)

    def add(self, loss: Tensor, right: Tensor, images: int) -> None:
        """Count a step on `images` images: their mean loss, and how many were recognised."""
        self.loss_sum += loss.detach() * images
        self.right += right
        self.seen += images

    def end_epoch(self) -> None:
        self.losses.append(self.loss)
        self._reset()

    @property
    def images_seen(self) -> int:
        """Since the first epoch."""
        return len(self.losses) * self.images + self.seen

    @property
    def loss(self) -> float:
        """Mean over the images of the epoch so far. Waits for the device, as does `accuracy`."""
        return self.loss_sum.item() / self.seen

    @property
    def accuracy(self) -> float:
        """Share of the epoch's images, as they were trained on, that were recognised."""
        return self.right.item() / self.seen

    def state_dict(self) -> dict[str, Any]:
        """Everything, as tensors and plain values."""
        device = self.generator.device
        generators = {"own": self.generator.get_state(), "cpu": torch.get_rng_state()}
        if device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(device)
        return {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "generators": generators,
            **{name: getattr(self, name) for name in LOOSE},
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Become what `saved`, all of it on the CPU, says.

        Raises KeyError, RuntimeError or ValueError if it does not fit.
        """
        if saved["parts"].keys() != self.parts.keys():
            raise ValueError(f"it holds {', '.join(saved['parts'])}, not {', '.join(self.parts)}")
        device = self.generator.device
        for name, part in self.parts.items():
            part.load_state_dict(saved["parts"][name])
        for name in LOOSE:
            value = saved[name]
            setattr(self, name, value.to(device) if isinstance(value, Tensor) else value)
        self.generator.set_state(saved["generators"]["own"])
        torch.set_rng_state(saved["generators"]["cpu"])
        if device.type == "cuda":
            torch.cuda.set_rng_state(saved["generators"]["cuda"], device)
