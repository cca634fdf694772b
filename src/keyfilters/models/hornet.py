"""HorNet with 7x7 depthwise convolutions, which no package that we install has.

Rao et al., "HorNet: Efficient High-Order Spatial Interactions with Recursive Gated Convolutions",
NeurIPS 2022. Modules are named as in the authors' published checkpoints, so that these load by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import keyfilters.models.torchvision_ops  # noqa: F401  (before timm, which imports torchvision)

# isort: split
import torch
from timm.layers import DropPath, LayerNorm, LayerNorm2d, calculate_drop_path_rates, trunc_normal_
from torch import Tensor, nn

from keyfilters.errors import KeyfiltersError

VARIANTS = {
    "hornet_tiny": {"base_dim": 64},
    "hornet_small": {"base_dim": 96},
    "hornet_large": {"base_dim": 192},
}
"""The published sizes: what sets them apart from HorNet's defaults."""


def build_hornet(name: str, num_classes: int = 1000, **arguments: object) -> HorNet:
    """The variant with random weights, drawn from torch's global generator; `arguments` are HorNet's."""
    if name not in VARIANTS:
        raise KeyfiltersError(f"unknown architecture {name!r}, expected one of: {', '.join(VARIANTS)}")
    return HorNet(num_classes=num_classes, **VARIANTS[name] | arguments)


class GatedConvolution(nn.Module):
    """The recursive gated convolution g^n Conv of order n, equations 3.3 to 3.6, `[N, C, H, W]` to the same.

        p_0, q_0, ..., q_{n-1} = proj_in(x)         with C_k = C / 2^(n-1-k) channels in q_k, C_0 in p_0
        p_{k+1} = scale f_k(q_k) * g_k(p_k)         g_0 the identity, g_k = pws[k-1] from C_{k-1} to C_k
        y = proj_out(p_n)

    The depthwise f_k are one convolution, `dwconv`, over all q_k side by side; `scale` is 1/alpha.
    """

    def __init__(self, dim: int, order: int, scale: float) -> None:
        super().__init__()
        self.dims = [dim // 2**halvings for halvings in reversed(range(order))]
        self.scale = scale
        width = sum(self.dims)
        self.proj_in = nn.Conv2d(dim, self.dims[0] + width, kernel_size=1)
        self.dwconv = nn.Conv2d(width, width, kernel_size=7, padding=3, groups=width)
        self.pws = nn.ModuleList(nn.Conv2d(before, after, kernel_size=1) for before, after in pairwise(self.dims))
        self.proj_out = nn.Conv2d(dim, dim, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        p, q = self.proj_in(x).split((self.dims[0], sum(self.dims)), dim=1)
        gates = (self.scale * self.dwconv(q)).split(self.dims, dim=1)
        p = p * gates[0]
        for pointwise, gate in zip(self.pws, gates[1:], strict=True):
            p = pointwise(p) * gate
        return self.proj_out(p)


class Block(nn.Module):
    """A gated convolution, then a two-layer perceptron per position, each a scaled residual branch."""

    def __init__(self, dim: int, order: int, scale: float, ls_init_value: float | None, drop_path: float) -> None:
        super().__init__()
        self.norm1 = LayerNorm2d(dim)
        self.gnconv = GatedConvolution(dim, order, scale)
        self.norm2 = LayerNorm(dim)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma1 = nn.Parameter(ls_init_value * torch.ones(dim)) if ls_init_value else None
        self.gamma2 = nn.Parameter(ls_init_value * torch.ones(dim)) if ls_init_value else None
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        branch = self.gnconv(self.norm1(x))
        if self.gamma1 is not None:
            branch = self.gamma1.view(-1, 1, 1) * branch
        x = x + self.drop_path(branch)
        # Channels last: in that memory format the permutations only rename axes.
        branch = self.pwconv2(self.act(self.pwconv1(self.norm2(x.permute(0, 2, 3, 1)))))
        if self.gamma2 is not None:
            branch = self.gamma2 * branch
        return x + self.drop_path(branch.permute(0, 3, 1, 2))


class HorNet(nn.Module):
    """The network, images `[N, in_chans, H, W]` to class scores `[N, num_classes]`.

    Stage i has `depths[i]` blocks of width `base_dim * 2**i` with gated convolutions of order `orders[i]`.
    The stem's kernel and stride are `patch_size`, every later stage halves height and width.
    `ls_init_value` None builds blocks without layer scale; `drop_path_rate` is the last block's, the others'
    rise linearly from 0.
    """

    def __init__(
        self,
        in_chans: int = 3,
        num_classes: int = 1000,
        depths: Sequence[int] = (2, 3, 18, 2),
        base_dim: int = 64,
        patch_size: int = 4,
        orders: Sequence[int] = (2, 3, 4, 5),
        scale: float = 1 / 3,
        ls_init_value: float | None = 1e-6,
        drop_path_rate: float = 0.0,
    ) -> None:
        super().__init__()
        dims = _stage_widths(base_dim, depths, orders)
        drop_paths = calculate_drop_path_rates(drop_path_rate, list(depths), stagewise=True)
        patches = nn.Conv2d(in_chans, dims[0], kernel_size=patch_size, stride=patch_size)
        self.downsample_layers = nn.ModuleList([nn.Sequential(patches, LayerNorm2d(dims[0]))])
        for before, after in pairwise(dims):
            halving = nn.Conv2d(before, after, kernel_size=2, stride=2)
            self.downsample_layers.append(nn.Sequential(LayerNorm2d(before), halving))
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(dim, order, scale, ls_init_value, rate) for rate in rates))  # type: ignore[attr-defined]
            for dim, order, rates in zip(dims, orders, drop_paths, strict=True)
        )
        self.norm = LayerNorm(dims[-1])
        self.head = nn.Linear(dims[-1], num_classes)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        for downsample, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(downsample(x))
        return self.head(self.norm(x.mean(dim=(2, 3))))


def _stage_widths(base_dim: int, depths: Sequence[int], orders: Sequence[int]) -> list[int]:
    """Channels of each stage. Raises KeyfiltersError unless each can be halved as its order needs."""
    if not 0 < len(depths) == len(orders) or min(*depths, *orders, base_dim) < 1:
        raise KeyfiltersError(
            f"hornet: depths {tuple(depths)} and orders {tuple(orders)} need one number >= 1 for each stage, "
            f"base_dim {base_dim} must be >= 1"
        )
    # A stage of order n must be halved n - 1 times, and is base_dim doubled `stage` times already.
    divisor = 2 ** max(0, *(order - 1 - stage for stage, order in enumerate(orders)))
    if base_dim % divisor:
        raise KeyfiltersError(
            f"hornet: base_dim {base_dim} is not a multiple of {divisor}, which orders {tuple(orders)} need"
        )
    return [base_dim * 2**stage for stage in range(len(depths))]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
