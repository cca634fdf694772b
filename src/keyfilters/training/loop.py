"""The training loop: AdamW or SGD, warm-up and cosine per step, label smoothing, top-1 after the last epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import keyfilters.models.torchvision_ops  # noqa: F401  (before timm, which imports torchvision)

# isort: split
import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from keyfilters.datasets.augmentation import augmented
from keyfilters.datasets.batches import Normalise, Split, shuffled
from keyfilters.progress import Progress
from keyfilters.settings import Training
from keyfilters.training import recipe
from keyfilters.training.epochs import Best, Formation

TEST_BATCH = 512


def learning_rate_factor(step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate at `step` of `steps`: linear up, then half a cosine down to zero."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def schedule(training: Training, images: int) -> Callable[[int], float]:
    """Share of the peak learning rate at each step of a training on `images` pictures."""
    per_epoch = (math.floor if training.drop_last else math.ceil)(images / training.batch_size)
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


def fit(
    network: nn.Module,
    train: Split,
    normalise: Normalise,
    training: Training,
    generator: torch.Generator,
    progress: Progress,
    keepers: Sequence[Best | Formation] = (),
) -> list[float]:
    """Train `network` in place for `training.epochs`; returns the mean loss of each epoch.

    `generator` decides order and augmentation; it lives on the device of `train`. `keepers` look at the network
    after each epoch, and before the first.
    """
    network.train()
    optimizer = optimiser(network, training)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule(training, len(train)))
    average = ModelEmaV3(network, training.ema) if training.ema else None
    classes = int(train.labels.max()) + 1  # each has training pictures
    losses = []
    for keeper in keepers:
        keeper.after_epoch(0)
    for number in range(1, training.epochs + 1):
        total, seen = torch.zeros((), device=train.labels.device), 0
        for images, labels in shuffled(train, training.batch_size, generator, training.drop_last):
            inputs, targets = augmented(images, labels, training, classes, normalise, generator)
            loss = backward(network, inputs, targets, training)
            optimizer.step()
            if average:
                average.update(network)
            optimizer.zero_grad(set_to_none=True)
            scheduler.step()
            total += loss * len(labels)
            seen += len(labels)
            progress.advance(len(labels))
        losses.append(total.item() / seen)
        progress.end_epoch(number, losses[-1])
        for keeper in keepers:
            keeper.after_epoch(number)
    if average:
        network.load_state_dict(average.module.state_dict())
    return losses


def backward(network: nn.Module, inputs: Tensor, targets: Tensor, training: Training) -> Tensor:
    """Add the gradients of a batch's mean loss to those of the weights; returns that loss, without its graph.

    `inputs` `[B, 3, H, W]`; `targets` as `cross_entropy` takes them.
    """
    total = torch.zeros((), device=inputs.device)
    size = training.micro_batch or len(inputs)
    for part, wanted in zip(inputs.split(size), targets.split(size), strict=True):
        loss = cross_entropy(network(part), wanted, label_smoothing=training.label_smoothing)
        loss = loss * (len(part) / len(inputs))
        loss.backward()
        total += loss.detach()
    if training.clip_norm:
        nn.utils.clip_grad_norm_(network.parameters(), training.clip_norm)
    return total


@torch.inference_mode()
def accuracy(network: nn.Module, test: Split, normalise: Normalise) -> float:
    """Top-1 accuracy on `test`, a share between 0 and 1."""
    network.eval()
    right = torch.zeros((), dtype=torch.int64, device=test.images.device)
    for images, labels in zip(test.images.split(TEST_BATCH), test.labels.split(TEST_BATCH), strict=True):
        right += (network(normalise(images)).argmax(1) == labels).sum()
    return right.item() / len(test)
