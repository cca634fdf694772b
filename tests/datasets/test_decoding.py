"""From encoded images of every kind to square RGB pixels."""

import numpy as np
import pytest
from PIL import Image

from keyfilters.datasets.decoding import UndecodableError, to_rgb, to_square
from tests.helpers.tiny_files import encode, noise

RED, WHITE = [255, 0, 0], [255, 255, 255]


def half_transparent(mode):
    """Two pixels, opaque red and transparent red, as an image of this mode."""
    image = Image.fromarray(np.array([[[255, 0, 0, 255], [255, 0, 0, 0]]], np.uint8))
    if mode == "P":
        palette = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
        palette.putpalette([255, 0, 0] * 2)
        return encode(palette, transparency=1)
    return encode(image.convert(mode))


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_transparency_is_laid_on_white(mode):
    assert to_rgb(half_transparent(mode)).tolist() == [[RED, WHITE]]


def test_grey_with_transparency_is_laid_on_white():
    image = Image.fromarray(np.array([[[0, 255], [0, 0]]], np.uint8))
    assert to_rgb(encode(image)).tolist() == [[[0, 0, 0], WHITE]]


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB"])
def test_every_mode_becomes_rgb(mode):
    image = Image.fromarray(np.array([[0, 255]], np.uint8)).convert(mode)
    assert to_rgb(encode(image)).tolist() == [[[0, 0, 0], WHITE]]


def test_grey_pixels_become_rgb():
    assert to_rgb(np.array([[7, 9]], np.uint8)).tolist() == [[[7] * 3, [9] * 3]]


def test_a_photograph_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    pixels = np.zeros((4, 8, 3), np.uint8)
    assert to_rgb(encode(pixels, exif=exif)).shape == (8, 4, 3)


@pytest.mark.parametrize("data", [b"", b"not an image", encode(noise(0, (64, 64, 3)), "JPEG")[:900]])
def test_what_cannot_be_decoded_is_told_apart(data):
    with pytest.raises(UndecodableError):
        to_rgb(data)


def test_crop_keeps_the_central_square():
    pixels = noise(1, (8, 14, 3))
    assert np.array_equal(to_square(pixels, 8, "crop"), pixels[:, 3:11])


def test_pad_keeps_a_small_drawing_sharp():
    pixels = noise(1, (28, 28, 3))
    square = to_square(pixels, 32, "pad")
    assert np.array_equal(square[2:30, 2:30], pixels)
    square[2:30, 2:30] = 255
    assert (square == 255).all()


@pytest.mark.parametrize(
    ("shape", "size", "ink"),
    [((28, 28), 64, 56), ((28, 28), 56, 56), ((40, 20), 20, 20), ((16, 48), 32, 32)],
)
def test_pad_enlarges_by_whole_factors_and_shrinks_to_fit(shape, size, ink):
    black = np.zeros((*shape, 3), np.uint8)
    square = to_square(black, size, "pad")
    assert square.shape == (size, size, 3)
    rows, columns = np.nonzero(square[:, :, 0] < 128)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == ink


def test_shrinking_is_antialiased():
    checks = np.indices((64, 64)).sum(0) % 2 * 255
    square = to_square(np.repeat(checks[:, :, None], 3, 2).astype(np.uint8), 16, "crop")
    assert np.abs(square[2:-2, 2:-2].astype(int) - 128).max() <= 2
