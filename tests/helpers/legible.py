"""What is wrong with an image at the size at which a page shows it."""

from itertools import pairwise

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

from keyfilters.results.drawing.style import MIN_POINTS, WIDTH

SLACK = 2  # pixels


def faults(figure: Figure) -> list[str]:
    """Sentences: an image wider than a page, letters that are too small or cut off, labels of ticks that collide."""
    figure.canvas.draw()
    wide = figure.get_size_inches()[0]
    problems = [f"{wide:.1f} inches wide"] if wide > WIDTH + 0.01 else []
    axes = [axis for axes in figure.get_axes() for axis in (axes.xaxis, axes.yaxis)]
    ticks = {text for axis in axes for text in axis.findobj(Text) if text is not axis.label}
    shown = {axis: _labels(axis) for axis in axes}
    texts = [
        text for text in figure.findobj(Text) if text not in ticks and text.get_visible() and text.get_text().strip()
    ]
    hidden = {axis.label for axis in axes if not axis.axes.axison}
    for text in [text for text in texts if text not in hidden] + [text for labels in shown.values() for text in labels]:
        box = text.get_window_extent()
        if text.get_fontsize() < MIN_POINTS - 0.01:
            problems.append(f"{text.get_text()!r} in {text.get_fontsize():.1f} points")
        if min(box.x0, box.y0) < -SLACK or box.x1 > figure.bbox.width + SLACK or box.y1 > figure.bbox.height + SLACK:
            problems.append(f"{text.get_text()!r} is cut off")
    for labels in shown.values():
        boxes = [
            label.get_window_extent() for label in labels if label.get_rotation() % 90 == 0
        ]  # of slanted ones, larger
        if any(one.shrunk(0.95, 0.8).overlaps(other.shrunk(0.95, 0.8)) for one, other in pairwise(boxes)):
            problems.append(f"labels collide, such as {labels[0].get_text()!r}")
    return problems


def _labels(axis: Axis) -> list[Text]:
    """The labels of its major ticks that are to be seen."""
    if not axis.axes.axison or not axis.axes.get_visible():
        return []
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [tick.label1 for tick in ticks if tick.label1.get_visible() and tick.label1.get_text()]
