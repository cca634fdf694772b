"""What a reader says about one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class SourceImage:
    """One labelled image of a set."""

    data: bytes | np.ndarray
    """An encoded file, or pixels: uint8 `[H, W]` (grey) or `[H, W, 3]` (RGB)."""
    label: str
    """Its class, in words."""
    name: str
    """What it is called in its source; unique within the set."""
    group: str
    """What must not be torn apart by a split: all images of one emoji, of one sign."""
    split: Literal["train", "test"] | None = None
    """The side on which the source itself puts it, if it does."""
