"""Every image that a test of results publishes must be legible."""

import pytest

from keyfilters.results.drawing import files
from tests.helpers.legible import faults

save = files.save


def _save_if_legible(draw, path):
    def legible():
        figure = draw()
        if path.suffix == ".svg":  # once for both
            assert not faults(figure), path.name
        return figure

    save(legible, path)


@pytest.fixture(autouse=True, scope="package")
def _every_image_is_legible():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "save", _save_if_legible)
        yield
