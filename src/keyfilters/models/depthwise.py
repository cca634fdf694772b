"""Depthwise convolutions with a backward pass of their own on a CPU.

PyTorch's backward pass of a convolution on a CPU makes the gradient of the weight whenever the weight or the bias
trains, and oneDNN's depthwise one takes many times as long as the forward pass. Here each gradient is made only where
it is wanted, in the way that is fastest on small maps:

- of the input, a depthwise convolution of the output's gradient with the kernels turned by 180 degrees;
- of the weight, for large kernels a batched matrix product per row of the kernel, summed along its diagonals;
- of the bias, a sum.

On a GPU PyTorch's own is kept: none was there to measure on. docs/speed.md has the measurements.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d
from torch.nn.grad import conv2d_input, conv2d_weight

from keyfilters.models.convolutions import is_depthwise

WIDEST_MAP, NARROWEST_KERNEL = 16, 5
"""Where the gradient of the weight is made by matrix products, in pixels. Elsewhere PyTorch's takes less time: their
work for a pixel grows with the width of the map, and oneDNN has code of its own for kernels of 3x3."""

Pair = tuple[int, int]


def use_own_backward(network: nn.Module) -> None:
    """Let the network's depthwise convolutions be `DepthwiseConv2d`, in place: names, weights and hooks stay."""
    for module in network.modules():
        if type(module) is nn.Conv2d and is_depthwise(module):  # a class that is derived has a forward pass of its own
            module.__class__ = DepthwiseConv2d


class DepthwiseConv2d(nn.Conv2d):
    """PyTorch's layer, with the gradients of `DepthwiseConvolution` where they apply: on a CPU, in float32 or float64.

    Elsewhere, under autocast, in a compiled or exported network, and without gradients, it is PyTorch's in all.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self._is_own(x):
            return super().forward(x)
        return DepthwiseConvolution.apply(x, self.weight, self.bias, self.stride, self.padding, self.dilation)

    def _is_own(self, x: Tensor) -> bool:
        return (
            x.device.type == "cpu"
            and torch.is_grad_enabled()
            and not torch.compiler.is_compiling()
            and not torch.is_autocast_enabled("cpu")
            and x.ndim == 4
            and x.dtype == self.weight.dtype
            and x.dtype in (torch.float32, torch.float64)
            and self.padding_mode == "zeros"
            and not isinstance(self.padding, str)
        )


class DepthwiseConvolution(torch.autograd.Function):
    """`[N, C, H, W]` to `[N, D, H', W']` by kernels `[D, 1, kh, kw]` in C groups; differentiable once."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair, dilation: Pair
    ) -> Tensor:
        ctx.save_for_backward(x if weight.requires_grad else None, weight)
        ctx.shape, ctx.arguments = x.shape, (stride, padding, dilation, x.shape[1])
        return conv2d(x, weight, bias, *ctx.arguments)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        stride, padding, dilation, channels = ctx.arguments
        reach = [size - 1 - pad for size, pad in zip(weight.shape[2:], padding, strict=True)]
        is_plain = stride == dilation == (1, 1) and len(weight) == channels and min(reach) >= 0
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            if is_plain:
                of_x = conv2d(grad, weight.flip(2, 3), padding=reach, groups=channels)
            else:
                of_x = conv2d_input(ctx.shape, weight, grad, *ctx.arguments)
        if ctx.needs_input_grad[1]:
            if is_plain and ctx.shape[3] <= WIDEST_MAP and weight.shape[3] >= NARROWEST_KERNEL:
                of_weight = _weight_gradient(x, grad, weight.shape, padding)
            else:
                of_weight = conv2d_weight(x, weight.shape, grad, *ctx.arguments)
        if ctx.needs_input_grad[2]:
            of_bias = grad.sum((0, 2, 3))
        return of_x, of_weight, of_bias, None, None, None


def _images_last(maps: Tensor) -> Tensor:
    """`[N, C, H, W]` as `[C, W, H, N]`. The images go last as a matrix is transposed, for which PyTorch has code of its
    own: at once it takes up to six times as long."""
    images, channels, height, width = maps.shape
    turned = maps.permute(0, 2, 3, 1).reshape(images, -1).t().contiguous()
    return turned.view(height, width, channels, images).permute(2, 1, 0, 3).contiguous()


def _weight_gradient(x: Tensor, grad: Tensor, shape: torch.Size, padding: Pair) -> Tensor:
    """The gradient `[C, 1, kh, kw]` of the kernels at stride 1, from the input `[N, C, H, W]` and the output's gradient
    `[N, C, H', W']`.

        of_weight[c, i, j] = sum over n, u, v of grad[n, c, u, v] x[n, c, u + i - pad_h, v + j - pad_w]

    For each row i of the kernel the sums over n and u are products of matrices, one for all pairs of columns v of
    `grad` and w of `x`; j is the diagonal w - v + pad_w.
    """
    channels, _, rows, columns = shape
    height, width = x.shape[2:]
    (pad_h, pad_w), (height_out, width_out) = padding, grad.shape[2:]
    x, grad = _images_last(x), _images_last(grad)
    padded = width + 2 * pad_w
    products = x.new_zeros(channels, rows, width_out, padded)
    for i in range(rows):
        first, last = max(0, pad_h - i), min(height_out, height + pad_h - i)  # rows of `grad` that meet some of `x`
        if first < last:
            above = first + i - pad_h
            left = grad[:, :, first:last].flatten(2)
            right = x[:, :, above : above + last - first].flatten(2)
            products[:, i, :, pad_w : pad_w + width] = left @ right.transpose(1, 2)
    across = width_out * padded
    diagonals = products.as_strided((channels, rows, width_out, columns), (rows * across, across, padded + 1, 1))
    return diagonals.sum(2).unsqueeze(1)
