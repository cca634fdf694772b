"""The low-resolution networks of *CNN Filter DB* (Sec. 3): known architectures in a form for 32 px.

The form is that of the authors' trainings, whose first layers and poolings go back to PyTorch_CIFAR10; each network
is torchvision's, changed in place where it says so below. Parameters with 10 classes and 3 channels:

=====================  ==========  ==========================================================================
lowres_resnet9          6,573,120  no torchvision network; see `_resnet9`
lowres_resnet14         2,777,674  ResNet-18 without its last stage, and as it:
lowres_resnet18        11,173,962  first layer 3x3 with stride 1; the max-pooling after it stays: maps of 16 to 2 px
lowres_resnet34        21,282,122  the same
lowres_resnet50        23,520,842  the same
lowres_resnet101       42,512,970  the same
lowres_resnet152       58,156,618  the same
lowres_vgg11           28,144,010  the last map is averaged to 1 px, not 7, so the classifier reads 512 values
lowres_vgg13           28,328,522  the same
lowres_vgg16           33,638,218  the same
lowres_vgg19           38,947,914  the same
lowres_vgg11_bn        28,149,514  the same, with BatchNorm
lowres_vgg13_bn        28,334,410  the same
lowres_vgg16_bn        33,646,666  the same
lowres_vgg19_bn        38,958,922  the same
lowres_mobilenet_v2     2,236,682  the first layer and the stage of 24 channels with stride 1: maps of 32 to 4 px
lowres_densenet121      6,956,426  first layer 3x3 with stride 1; the max-pooling after it stays: maps of 16 to 2 px
lowres_densenet161     26,482,570  the same
lowres_densenet169     12,493,450  the same
lowres_googlenet        5,490,986  one 3x3 layer of 192 channels for all before inception3a: maps of 32 to 8 px; the
                                   poolings padded; no auxiliary classifiers
lowres_inception_v3    21,638,954  the same for all before Mixed_5b: maps of 32 to 7 px; no auxiliary classifier
lowres_alexnet         35,855,178  kernels of 3x3 for 11x11 and 5x5, stride 1, poolings of 2 px: 4x4 maps are classified
=====================  ==========  ==========================================================================
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import torch

import keyfilters.models.torchvision_ops  # noqa: F401  (before torchvision)

# isort: split
from torch import Tensor, nn
from torchvision import models
from torchvision.models import VGG, AlexNet, DenseNet, GoogLeNet, Inception3, MobileNetV2, ResNet
from torchvision.models.googlenet import BasicConv2d
from torchvision.models.inception import BasicConv2d as InceptionConv2d
from torchvision.models.resnet import BasicBlock


def build_lowres(architecture: str, num_classes: int, width: float = 1.0, in_channels: int = 3) -> nn.Module:
    """A network of `FORMS` with random weights: images `[N, 3, 32, 32]` to class scores `[N, num_classes]`.

    `width` multiplies all channels; every one must stay a whole number. With `in_channels` 1 the network reads
    only the first channel of its images, for grey ones, whose three are equal; the authors' networks for the
    MNIST family have one channel. Raises ValueError for a width that does not divide the channels.
    """
    device = torch.get_default_device()
    with torch.device("meta"):
        network = FORMS[architecture](num_classes)
        _resize(network, width, in_channels)
    network.to_empty(device=device)
    _initialise(network, width)
    return network


class FirstChannelConv2d(nn.Conv2d):
    """A convolution of the first channel of images `[N, C, H, W]`."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images[:, :1])


class Residual(nn.Sequential):
    """What its layers make of a map, added to the map."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps + super().forward(maps)


def _resnet9(num_classes: int) -> nn.Sequential:
    """Eight convolutions and a linear layer, residual over the third with fourth and the seventh with eighth.

    The activation stands before the addition, and the BatchNorms of the two blocks have momentum 0.9, as in the
    authors' network.
    """

    def layer(in_channels: int, channels: int, *rest: nn.Module, momentum: float = 0.1) -> nn.Sequential:
        convolution = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
        norm = nn.BatchNorm2d(channels, momentum=momentum)
        return nn.Sequential(OrderedDict(conv=convolution, norm=norm, relu=nn.ReLU(inplace=True)), *rest)

    def block(channels: int) -> Residual:
        return Residual(*(layer(channels, channels, momentum=0.9) for _ in range(2)))

    layers = OrderedDict(
        layer1=layer(3, 64),
        layer2=layer(64, 128),
        pool2=nn.MaxPool2d(2),
        block1=block(128),
        layer3=layer(128, 256),
        pool3=nn.MaxPool2d(2),
        layer4=layer(256, 512),
        pool4=nn.MaxPool2d(2),
        block2=block(512),
        pool=nn.AdaptiveMaxPool2d(1),
        flat=nn.Flatten(),
        fc=nn.Linear(512, num_classes, bias=False),
    )
    return nn.Sequential(layers)


def _resnet14(num_classes: int) -> ResNet:
    network = ResNet(BasicBlock, [2, 2, 2, 1], num_classes)
    network.layer4, network.fc = nn.Identity(), nn.Linear(256, num_classes)
    return _with_stem(network)


def _with_stem(network: ResNet) -> ResNet:
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    return network


def _resnet(build: Callable[..., ResNet], num_classes: int) -> ResNet:
    return _with_stem(build(num_classes=num_classes))


def _vgg(build: Callable[..., VGG], num_classes: int) -> VGG:
    network = build(num_classes=num_classes)
    network.avgpool, network.classifier[0] = nn.AdaptiveAvgPool2d(1), nn.Linear(512, 4096)
    return network


def _mobilenet_v2(num_classes: int) -> MobileNetV2:
    stages = [(1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    network = MobileNetV2(num_classes, inverted_residual_setting=stages)
    network.features[0][0].stride = (1, 1)
    return network


def _densenet(build: Callable[..., DenseNet], num_classes: int) -> DenseNet:
    network = build(num_classes=num_classes)
    stem = network.features.conv0
    network.features.conv0 = nn.Conv2d(3, stem.out_channels, 3, padding=1, bias=False)
    return network


def _googlenet(num_classes: int) -> GoogLeNet:
    network = GoogLeNet(num_classes, aux_logits=False, init_weights=False)
    network.conv1 = BasicConv2d(3, 192, kernel_size=3, padding=1)
    for name in ("maxpool1", "conv2", "conv3", "maxpool2"):
        setattr(network, name, nn.Identity())
    network.maxpool3, network.maxpool4 = (nn.MaxPool2d(3, stride=2, padding=1) for _ in range(2))
    return network


def _inception_v3(num_classes: int) -> Inception3:
    network = Inception3(num_classes, aux_logits=False, init_weights=False)
    network.Conv2d_1a_3x3 = InceptionConv2d(3, 192, kernel_size=3, padding=1)
    for name in ("Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2"):
        setattr(network, name, nn.Identity())
    return network


def _alexnet(num_classes: int) -> AlexNet:
    network = AlexNet(num_classes)
    network.features[0], network.features[3] = nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 192, 3, padding=1)
    for pool in (2, 5, 12):
        network.features[pool] = nn.MaxPool2d(2)
    network.avgpool, network.classifier[1] = nn.AdaptiveAvgPool2d(4), nn.Linear(256 * 4 * 4, 4096)
    return network


FORMS: dict[str, Callable[[int], nn.Module]] = {
    "lowres_resnet9": _resnet9,
    "lowres_resnet14": _resnet14,
    **{f"lowres_resnet{n}": partial(_resnet, getattr(models, f"resnet{n}")) for n in (18, 34, 50, 101, 152)},
    **{f"lowres_vgg{n}": partial(_vgg, getattr(models, f"vgg{n}")) for n in (11, 13, 16, 19)},
    **{f"lowres_vgg{n}_bn": partial(_vgg, getattr(models, f"vgg{n}_bn")) for n in (11, 13, 16, 19)},
    "lowres_mobilenet_v2": _mobilenet_v2,
    **{f"lowres_densenet{n}": partial(_densenet, getattr(models, f"densenet{n}")) for n in (121, 161, 169)},
    "lowres_googlenet": _googlenet,
    "lowres_inception_v3": _inception_v3,
    "lowres_alexnet": _alexnet,
}
"""The networks in full width by name; called with the number of classes."""


def _resize(network: nn.Module, width: float, in_channels: int) -> None:
    """Give all layers `width` times their channels, but for the images', here `in_channels`, and the classes."""

    def scaled(channels: int) -> int:
        if not float(channels * width).is_integer() or width <= 0:
            raise ValueError(f"width {width:g} makes {channels * width:g} of {channels} channels, no whole number")
        return int(channels * width)

    layers = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    first, last = layers[0], layers[-1]
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d):
            kind = FirstChannelConv2d if name == first and in_channels == 1 else nn.Conv2d
            input_channels = in_channels if name == first else scaled(module.in_channels)
            resized = kind(
                input_channels,
                scaled(module.out_channels),
                module.kernel_size,
                module.stride,
                module.padding,
                groups=module.groups if module.groups == 1 else input_channels,
                bias=module.bias is not None,
            )
        elif isinstance(module, nn.Linear):
            classes = module.out_features if name == last else scaled(module.out_features)
            resized = nn.Linear(scaled(module.in_features), classes, bias=module.bias is not None)
        elif isinstance(module, nn.BatchNorm2d):
            resized = nn.BatchNorm2d(scaled(module.num_features), module.eps, module.momentum)
        else:
            continue
        network.set_submodule(name, resized)


def _initialise(network: nn.Module, width: float) -> None:
    """Random weights as the authors draw them: PyTorch's own, and where torchvision draws others, those, but for
    GoogLeNet and Inception, whose own way they left out.

    The deviation 0.01 of some linear layers belongs to their full `width`; others get what gives sums of the same
    spread, without which a narrow VGG-11 without BatchNorm stays at chance.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            module.reset_parameters()
        if isinstance(module, nn.Conv2d) and isinstance(network, ResNet | VGG | MobileNetV2 | DenseNet):
            mode = "fan_in" if isinstance(network, DenseNet) else "fan_out"
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.Linear) and isinstance(network, VGG | MobileNetV2):
            nn.init.normal_(module.weight, 0, 0.01 / width**0.5)
        if isinstance(module, nn.Linear) and isinstance(network, VGG | MobileNetV2 | DenseNet):
            nn.init.zeros_(module.bias)
