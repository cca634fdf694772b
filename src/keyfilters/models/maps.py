"""The maps that the convolutions of a transfer read, by arithmetic alone.

A tap of a kernel is of use only if it meets the map at some position. On a map of 2 px, a 7x7 kernel with a border of
3 meets it with 3x3 taps: the other 40 are never trained and change nothing when they are copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reading:
    """A convolution along one side: the map that it reads in pixels, and its kernel, stride, padding and dilation."""

    map: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def out(self) -> int:
        """The map that it makes, in pixels."""
        return (self.map + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) // self.stride + 1

    @property
    def met(self) -> int:
        """How many of the kernel's taps along one side ever meet the map."""
        positions = [step * self.stride - self.padding for step in range(self.out)]
        taps = range(0, self.dilation * self.kernel, self.dilation)
        return sum(any(0 <= at + tap < self.map for at in positions) for tap in taps)


Readings = Callable[[Mapping[str, Any], int], list[Reading]]
"""From an architecture's arguments and the side of its images in pixels: what each of the layers that a transfer can
take reads, as executed. These are depthwise layers, and where there are none, those of the main path."""


def convnext(depths: Sequence[int]) -> Readings:
    """timm's: the stem's stride is `patch_size`, and where that is 2 the first stage halves too. What would be less
    than a 32nd of the image is dilated instead."""

    def readings(arguments: Mapping[str, Any], image_size: int) -> list[Reading]:
        patch, stages = arguments.get("patch_size", 4), arguments.get("depths", depths)
        kernels = arguments.get("kernel_sizes", 7)
        kernels = [kernels] * len(stages) if isinstance(kernels, int) else kernels
        size, reduction, dilation = image_size // patch, patch, 1
        layer_readings = []
        for stage, (depth, kernel) in enumerate(zip(stages, kernels, strict=True)):
            if stage or patch == 2:
                if reduction < 32:
                    size, reduction = size // 2, 2 * reduction
                else:
                    dilation *= 2
            layer_readings += [Reading(size, kernel, 1, dilation * (kernel - 1) // 2, dilation)] * depth
        return layer_readings

    return readings


def hornet(depths: Sequence[int]) -> Readings:
    """The stem's stride is `patch_size`, and every stage after the first halves."""

    def readings(arguments: Mapping[str, Any], image_size: int) -> list[Reading]:
        size = image_size // arguments.get("patch_size", 4)
        stages = enumerate(arguments.get("depths", depths))
        return [Reading(size // 2**stage, 7, padding=3) for stage, depth in stages for _ in range(depth)]

    return readings


def resnet(layers: Sequence[int]) -> Readings:
    """Bottlenecks of 1x1, 3x3 and 1x1; the 3x3 of a stage's first one halves, but for the first stage."""

    def readings(arguments: Mapping[str, Any], image_size: int) -> list[Reading]:
        layer_readings = [Reading(image_size, 7, 2, 3)]
        size = Reading(layer_readings[0].out, 3, 2, 1).out  # the pooling
        for stage, blocks in enumerate(arguments.get("layers", layers)):
            for block in range(blocks):
                middle = Reading(size, 3, 2 if stage and not block else 1, 1)
                layer_readings += [Reading(size, 1), middle, Reading(middle.out, 1)]
                size = middle.out
        return layer_readings

    return readings


def yosinski8(arguments: Mapping[str, Any], image_size: int) -> list[Reading]:
    """Krizhevsky's: pooling of 3 by stride 2 after the convolutions 1, 2 and 5; the sixth reads the averaged map."""
    patch, averaged = arguments.get("patch_size", 4), arguments.get("map_size", 6)
    kernel = 2 * patch + 3
    first = Reading(image_size, kernel, patch, kernel // 2)
    second = Reading(Reading(first.out, 3, 2).out, 5, 1, 2)
    third = Reading(Reading(second.out, 3, 2).out, 3, 1, 1)
    return [first, second, third, third, third, Reading(averaged, averaged), Reading(1, 1)]
