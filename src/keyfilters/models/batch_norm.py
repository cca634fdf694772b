"""Batch normalisation that a training leaves as it is."""

from __future__ import annotations

from typing import Self

from torch import nn


def freeze(norm: nn.BatchNorm2d) -> None:
    """Let it be a `FrozenBatchNorm2d` that does not train, in place: its name and its weights stay."""
    norm.requires_grad_(False)
    norm.__class__ = FrozenBatchNorm2d
    norm.eval()


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """PyTorch's layer, which uses its running statistics in training too and does not change them.

    Torchvision's of this name computes in float32 where the rest of the network does in bfloat16.
    """

    def train(self, mode: bool = True) -> Self:
        return super().train(False)
