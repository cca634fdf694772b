"""A plain CNN: one layer after the other, neither shortcuts nor normalisation."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def build_yosinski8(
    architecture: str, num_classes: int, width: float = 1.0, patch_size: int = 4, map_size: int = 6
) -> nn.Sequential:
    """The eight layers of Yosinski et al., "How transferable are features in deep neural networks?", NeurIPS 2014.

    Krizhevsky's network in one tower and without response normalisation. The fully connected layers 6 and 7
    are written as convolutions over the whole map, which they are; so all seven layers that Yosinski et al.
    transfer are convolutions. Images `[N, 3, H, W]` to class scores `[N, num_classes]`.

    `width` multiplies all channels. `patch_size` is the stride of the first layer and `map_size` the kernel
    of the sixth: 4 and 6 belong to 224 px, 1 and 3 to 32 px; a map of another size is averaged to it.
    """
    kernel = 2 * patch_size + 3  # Krizhevsky's 11 at stride 4
    a, b, c, d = (max(1, round(width * channels)) for channels in (96, 256, 384, 4096))
    layers = OrderedDict(
        conv1=nn.Conv2d(3, a, kernel, stride=patch_size, padding=kernel // 2),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(3, stride=2),
        conv2=nn.Conv2d(a, b, 5, padding=2),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(3, stride=2),
        conv3=nn.Conv2d(b, c, 3, padding=1),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(c, c, 3, padding=1),
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(c, b, 3, padding=1),
        relu5=nn.ReLU(),
        pool5=nn.MaxPool2d(3, stride=2),
        map=nn.AdaptiveAvgPool2d(map_size),
        fc6=nn.Conv2d(b, d, map_size),
        relu6=nn.ReLU(),
        drop6=nn.Dropout(),
        fc7=nn.Conv2d(d, d, 1),
        relu7=nn.ReLU(),
        drop7=nn.Dropout(),
        flat=nn.Flatten(),
        fc8=nn.Linear(d, num_classes),
    )
    return nn.Sequential(layers)
