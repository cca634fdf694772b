"""The filter store of a study through Snakemake: made, found again, and what a refused network does."""

import json

import pandas as pd
import pytest


@pytest.fixture
def stored(study):
    """The tiny study with the filters of two of its base models."""

    def with_zoo(settings):
        settings["zoo"] = {"trained": ["dots", "stripes"]}

    study.configure(with_zoo)
    study.build("filters")
    return study


def refuse(study):
    """Let the extraction of dots say that its network was refused."""
    (manifest,) = study.artifacts.glob("extract/dots-seed0-*/manifest.json")
    content = json.loads(manifest.read_text())
    for file in content.pop("files"):
        (manifest.parent / file).unlink()
    content |= {"files": {}, "facts": {"format": "onnx", "refused": "made up by the test"}}
    manifest.write_text(json.dumps(content))


def test_the_store_is_made_found_again_and_refusals_end_it(stored):
    folder = stored.results / "filters"
    assert pd.read_parquet(folder / "models.parquet")["model"].tolist() == ["dots-seed0", "stripes-seed0"]
    stored.forget_times(0)
    assert stored.plan("filters") == {}
    assert stored.plan() == {}

    (folder / "summary.csv").unlink()
    assert stored.plan("filters") == {"filters": 1}

    refuse(stored)
    done = stored.snakemake("filters")
    assert done.returncode != 0
    assert "1 of 2 networks were refused" in done.stderr
    assert "dots-seed0: made up by the test" in done.stderr
    assert not (folder / "filters.json").exists()

    stored.configure(lambda settings: settings["zoo"].update(allow_refused=True))
    stored.build("filters")
    assert "- dots-seed0: made up by the test" in (folder / "summary.md").read_text()

    # A network that the study no longer names leaves the tables; what was made of the others stands.
    stored.configure(lambda settings: settings["zoo"].update(trained=["stripes"]))
    assert stored.plan("filters") == {"filters": 1}
