"""From an encoded image of any shape to square RGB pixels."""

from __future__ import annotations

import io
import math
from typing import Literal

import numpy as np
from PIL import Image, ImageOps


class UndecodableError(Exception):
    """These bytes are no image, or a damaged one."""


def to_rgb(data: bytes | np.ndarray) -> np.ndarray:
    """Upright RGB pixels, uint8 `[H, W, 3]`, of an encoded image or of grey pixels `[H, W]`.

    Transparent parts are laid on white. Raises UndecodableError.
    """
    if isinstance(data, bytes):
        return _decode(data)
    return data if data.ndim == 3 else np.repeat(data[:, :, None], 3, axis=2)


def _decode(data: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data)) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:
                paper = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(paper, upright.convert("RGBA"))
            return np.asarray(upright.convert("RGB"))
    except Exception as error:  # Pillow lets through whatever a format's parser trips over
        raise UndecodableError(str(error)) from error


def to_square(pixels: np.ndarray, size: int, fit: Literal["crop", "pad"]) -> np.ndarray:
    """The image uint8 `[H, W, 3]` as uint8 `[size, size, 3]`.

    "crop" keeps the central square. "pad" keeps the whole image on a white square; an image
    smaller than `size` is enlarged by a whole factor at most and its margin fills the rest, so that
    a drawing of 28 pixels stays sharp at 32. Resizing is bicubic, antialiased when shrinking.
    """
    height, width = pixels.shape[:2]
    if fit == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = pixels[top : top + side, left : left + side]
    else:
        longest = max(height, width)
        side = longest if longest >= size else math.ceil(size / (size // longest))
        top, left = (side - height) // 2, (side - width) // 2
        square = np.full((side, side, 3), 255, np.uint8)
        square[top : top + height, left : left + width] = pixels
    if side == size:
        return square
    return np.asarray(Image.fromarray(square).resize((size, size), Image.Resampling.BICUBIC))
