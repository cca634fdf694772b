"""An image of a prepared set, for the eye."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from keyfilters.datasets.splitting import hash_order
from keyfilters.sources.image import SourceImage

ROWS, COLUMNS, CELL, MARGIN, TEXT = 10, 8, 48, 4, 120  # less than 200 kB in 256 colours


def contact_sheet(images: Sequence[SourceImage], set_name: str) -> Image.Image:
    """Some classes, spread over all, one in a row: its name and some images, shuffled by hash."""
    key = hash_order(set_name)
    samples = defaultdict(list)
    for image in sorted(images, key=lambda image: (image.label, key(image.name))):
        samples[image.label].append(image.data)
    labels = list(samples)
    shown = [labels[i] for i in np.linspace(0, len(labels) - 1, min(ROWS, len(labels))).astype(int)]

    pitch = CELL + MARGIN
    sheet = Image.new("RGB", (TEXT + COLUMNS * pitch, MARGIN + len(shown) * pitch), "white")
    draw = ImageDraw.Draw(sheet)
    for row, label in enumerate(shown):
        top = MARGIN + row * pitch
        draw.text((MARGIN, top + CELL // 3), label[:20], fill="black")
        for column, pixels in enumerate(samples[label][:COLUMNS]):
            sheet.paste(Image.fromarray(pixels).resize((CELL, CELL)), (TEXT + column * pitch, top))
    return sheet.quantize(256, dither=Image.Dither.NONE)
