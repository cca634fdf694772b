"""Notes below images."""

import matplotlib.pyplot as plt
import pytest

from keyfilters.results.drawing import files

NOTE = " ".join(["a note that is long enough for several lines of a narrow image"] * 8)


@pytest.mark.parametrize("width", [3, 7, 20])
def test_notes_are_within_the_image_which_grows_by_them(width):
    figure, axes = plt.subplots(figsize=(width, 3), layout="constrained")
    figure.canvas.draw()
    before = axes.get_window_extent().height
    files.caption(figure, [NOTE, NOTE])
    figure.canvas.draw()
    note = figure._supxlabel.get_window_extent()
    assert note.x0 >= 0
    assert note.x1 <= figure.bbox.width
    assert axes.get_window_extent().height > 0.85 * before
    assert figure.get_size_inches()[0] == width
    plt.close(figure)


def test_the_notes_of_a_wide_image_have_larger_letters():
    sizes = []
    for width in (6, 12):
        figure = plt.figure(figsize=(width, 3))
        files.caption(figure, [NOTE])
        sizes.append(figure._supxlabel.get_fontsize())
        plt.close(figure)
    assert sizes[1] > sizes[0]
