"""An image of a model's filters, as Figure 1 of CNN Filter DB shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw
from safetensors import safe_open

from keyfilters.filters.writing import FILTERS

COLUMNS, LAYERS, CELL, GAP, TEXT = 16, 24, 27, 3, 190  # pixels, but COLUMNS and LAYERS; less than 100 kB
NEGATIVE, POSITIVE = np.array([33, 102, 172]), np.array([178, 24, 43])


def contact_sheet(folder: Path, layers: pd.DataFrame) -> Image.Image:
    """The first filters of each layer, a layer in a row; of deep models, layers spread evenly, the first and the last
    among them. Blue is negative, white 0, red positive, and full colour the greatest absolute weight of the layer.

    Layers of 1 x 1 filters are left out.
    """
    spatial = layers[(layers["kh"] > 1) | (layers["kw"] > 1)]
    spatial = spatial.iloc[np.linspace(0, len(spatial) - 1, min(LAYERS, len(spatial))).astype(int)]
    sheet = Image.new("RGB", (TEXT + COLUMNS * (CELL + GAP), GAP + max(1, len(spatial)) * (CELL + GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    with safe_open(folder / FILTERS, framework="numpy") as file:
        for row, layer in enumerate(spatial.itertuples()):
            top = GAP + row * (CELL + GAP)
            kind = "" if pd.isna(layer.kind) else f" {layer.kind}"
            draw.text((GAP, top), layer.layer[-30:].encode("ascii", "replace").decode(), fill="black")
            draw.text((GAP, top + CELL // 2), f"{layer.kh}x{layer.kw}{kind}", fill="gray")
            weight = file.get_tensor(layer.layer)
            peak = np.abs(weight).max() or 1
            for column, kernel in enumerate(weight.reshape(-1, layer.kh, layer.kw)[:COLUMNS]):
                cell = Image.fromarray(_colours(kernel / peak)).resize((CELL, CELL), Image.Resampling.NEAREST)
                sheet.paste(cell, (TEXT + column * (CELL + GAP), top))
    return sheet.quantize(256, dither=Image.Dither.NONE)


def _colours(values: np.ndarray) -> np.ndarray:
    """Pixels uint8 `[h, w, 3]` of values from -1 to 1."""
    full = np.where(values[..., None] < 0, NEGATIVE, POSITIVE)
    return (255 + (full - 255) * np.abs(values)[..., None]).round().astype(np.uint8)
