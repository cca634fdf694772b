"""What the readers of all weight formats share: axis orders, checks of weights, and errors of damaged files."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.network import Convolution, Network

# No weight is larger; a file that tells so is damaged, or an archive bomb.
LARGEST = 2**31


def reader(title: str) -> Callable[[Callable[..., Network]], Callable[..., Network]]:
    """Decorates `read(path)`: whatever a damaged file makes fail becomes a KeyfiltersError of one line."""

    def decorate(read: Callable[..., Network]) -> Callable[..., Network]:
        @functools.wraps(read)
        def checked(path: Path, **options: Any) -> Network:
            # A damaged file can fail at any step of a parser, in any way.
            try:
                return read(Path(path), **options)
            except KeyfiltersError:
                raise
            except Exception as error:
                raise KeyfiltersError(f"{path}: no readable {title} file ({_reason(error)})") from error

        return checked

    return decorate


def convolution(
    path: Path, name: str, shape: tuple[int, ...], values: Callable[[], np.ndarray], **facts: Any
) -> Convolution:
    """A convolution of `path` whose weight `values()` gives in `[out, in/groups, kh, kw]`, of any float type.

    Raises KeyfiltersError if shape, `groups` or `stride` are such as no convolution has; `load()` does if the weight
    cannot be read, is not of this shape, or is not finite.
    """
    shape = tuple(int(size) for size in shape)
    groups, stride = facts.get("groups"), facts.get("stride")
    if len(shape) != 4 or min(shape) < 1:
        raise KeyfiltersError(f"{path}: {name!r} has the shape {shape}, which no 2-D convolution has")
    if groups is not None and (groups < 1 or shape[0] % groups):
        raise KeyfiltersError(f"{path}: {name!r} cannot have {shape[0]} outputs in {groups} groups")
    if stride is not None and (len(stride) != 2 or min(stride) < 1):
        raise KeyfiltersError(f"{path}: {name!r} cannot have the stride {tuple(stride)}")
    if math.prod(shape) * 4 > LARGEST:
        raise KeyfiltersError(f"{path}: {name!r} has the shape {shape}, more than {LARGEST:,} bytes of float32")

    def load() -> np.ndarray:
        try:
            weight = np.ascontiguousarray(values(), np.float32)
        except KeyfiltersError:
            raise
        except Exception as error:
            raise KeyfiltersError(f"{path}: the weight of {name!r} cannot be read ({_reason(error)})") from error
        if weight.shape != shape:
            raise KeyfiltersError(f"{path}: the weight of {name!r} has the shape {weight.shape}, not {shape}")
        if not np.isfinite(weight).all():
            raise KeyfiltersError(f"{path}: the weight of {name!r} has NaN or infinite values")
        return weight

    return Convolution(name, shape, load, **facts)


def json_of(path: Path) -> Any:
    """The content of a file of JSON. Raises KeyfiltersError if it is none."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise KeyfiltersError(f"{path}: not JSON ({error})") from None


def to_oihw(weight: np.ndarray, layout: str) -> np.ndarray:
    """`[out, in/groups, kh, kw]` of a weight of another `layout`, such as HWIO.

    HWIM is that of depthwise weights: M filters for each of I channels, M changing fastest.
    """
    if layout == "HWIM":
        height, width, channels, multiplier = weight.shape
        return weight.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return weight.transpose([layout.index(axis) for axis in "OIHW"])


def oihw_shape(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """The shape that `to_oihw` gives a weight of this `shape` and `layout`."""
    if layout == "HWIM" and len(shape) == 4:
        return shape[2] * shape[3], 1, shape[0], shape[1]
    return tuple(shape[layout.index(axis)] for axis in "OIHW") if len(shape) == 4 else tuple(shape)


def from_iohw(weight: np.ndarray, groups: int) -> np.ndarray:
    """`[out, in/groups, kh, kw]` of a transposed convolution's weight `[in, out/groups, kh, kw]`."""
    split = weight.reshape(groups, len(weight) // groups, *weight.shape[1:])
    return split.swapaxes(1, 2).reshape(-1, len(weight) // groups, *weight.shape[2:])


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
