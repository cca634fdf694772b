"""Small archives and encoded images."""

import io
import tarfile
import zipfile

import numpy as np
from PIL import Image


def encode(image, kind="PNG", **options):
    """A Pillow image, or pixels uint8 `[H, W]` or `[H, W, 3 or 4]`, as the bytes of a file."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(seed, shape=(8, 8, 3)):
    """Random pixels that differ from seed to seed."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def pack(path, files):
    """Write `files`, name to content, as a tar (.tar, .tgz) or zip (.zip, .whl); returns `path`."""
    if path.suffix in (".zip", ".whl"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return path
