"""Optimiser and schedule of the low-resolution networks of *CNN Filter DB*, as their authors train them.

SGD with Nesterov momentum and a warm-up and a cosine between the same smallest rate. The rest of their recipe are
settings that other trainings have too.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from keyfilters.config.training import Training


def sgd(network: nn.Module, training: Training) -> torch.optim.SGD:
    """SGD with Nesterov momentum over the weights that train; biases and norms decay too, as the authors' do."""
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    return torch.optim.SGD(
        trained,
        lr=training.learning_rate,
        momentum=training.momentum,
        weight_decay=training.weight_decay,
        nesterov=True,
        fused=True,
    )


def between(least: float, step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate at `step` of `steps`; `least` is the share where it begins and ends.

    Linear up, so that the last step of the `warmup` and the one after it have the peak, then half a cosine down: the
    closed form of PyTorch Lightning Bolts' LinearWarmupCosineAnnealingLR.
    """
    if step < warmup:
        return least + (1 - least) * step / max(1, warmup - 1)
    return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
