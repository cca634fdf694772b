"""Batches of a prepared set as tensor work on the device that trains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from keyfilters.config.training import Augmentation


@dataclass(frozen=True)
class Split:
    """Images uint8 `[N, H, W, 3]` and labels int64 `[N]` on the device that trains.

    Images that do not fit there stay in their file, mapped into memory.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """The images and labels at the positions `chosen`, on the device that trains."""
        return self.images[chosen.to(self.images.device)].to(self.labels.device), self.labels[chosen]

    def whole_batches(self, size: int) -> Split:
        """Without the last images, which do not fill a batch."""
        kept = len(self) // size * size
        return Split(self.images[:kept], self.labels[:kept])


def load(prepared: Path, device: torch.device) -> tuple[Split, Split]:
    """Train and test split of a prepared set on `device`; images get half of a GPU's free memory at most."""
    file = prepared / "arrays.safetensors"
    fits = device.type == "cpu" or file.stat().st_size < torch.cuda.mem_get_info(device)[0] // 2
    arrays = load_file(file, device=str(device if fits else "cpu"))
    return (
        Split(arrays["train_images"], arrays["train_labels"].to(device)),
        Split(arrays["test_images"].to(device), arrays["test_labels"].to(device)),
    )


class Normalise:
    """uint8 `[B, H, W, 3]` to float32 `[B, 3, H, W]` in channels_last order, by the set's mean and deviation."""

    def __init__(self, mean: list[float], std: list[float], device: torch.device) -> None:
        self.mean = 255 * torch.tensor(mean, device=device)
        self.std = 255 * torch.tensor(std, device=device)

    def __call__(self, images: Tensor) -> Tensor:
        rows = images.float().flatten(2)  # operations along whole rows take a CPU a sixth of the time
        mean, std = (of_channels.repeat(images.shape[2]) for of_channels in (self.mean, self.std))
        return rows.sub_(mean).div_(std).view(images.shape).permute(0, 3, 1, 2)


def augment(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Shift and mirror each image of a batch uint8 `[B, H, W, 3]` by draws of its own.

    A shifted image is filled up with its edge pixels, or with zeros.
    """
    count, height, width, _ = images.shape

    def draw(low: int, high: int) -> Tensor:
        return torch.randint(low, high, (count, 1), generator=generator, device=images.device)

    rows = torch.arange(height, device=images.device).expand(count, -1)
    columns = torch.arange(width, device=images.device).expand(count, -1)
    if augmentation.shift:
        rows = rows + draw(-augmentation.shift, augmentation.shift + 1)
        columns = columns + draw(-augmentation.shift, augmentation.shift + 1)
    if augmentation.flip:
        columns = torch.where(draw(0, 2).bool(), width - 1 - columns, columns)
    # One index for all pixels of the batch: three, as images[batch, row, column], take a CPU four times as long.
    rows_of_batch = torch.arange(count, device=images.device)[:, None] * height + rows.clamp(0, height - 1)
    pixels = rows_of_batch[:, :, None] * width + columns.clamp(0, width - 1)[:, None, :]
    shifted = images.flatten(0, 2).index_select(0, pixels.flatten()).view(images.shape)
    if augmentation.fill == "zeros":
        inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
        return shifted * inside[..., None]
    return shifted
