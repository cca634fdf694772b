"""Table 6 and the images of filters are made from the artifacts themselves."""

import pandas as pd
import pytest
from PIL import Image

from keyfilters.models.convolutions import depthwise_layers
from keyfilters.results.master_key.fig1 import fig1
from keyfilters.results.master_key.fig3 import fig3
from keyfilters.results.master_key.table6 import table6
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.training.network import load_network
from keyfilters.training.train import train
from keyfilters.transfer.transfer import transfer
from tests.helpers.tiny_jobs import training_job


def is_image(file):
    with Image.open(file.with_suffix(".png")) as image:
        return min(image.size) > 100 and "<svg" in file.with_suffix(".svg").read_text()


def prepared(root, name, title, train):
    job = Job("prepare", name, {"set": name})
    counts = {"classes": ["a", "b", "c"], "train": train, "test": 9, "image_size": 32}
    with artifacts.write(root, job.description) as draft:
        draft.facts.update(name=name, title=title, domain="photographs", **counts)
    return job


def test_table6_counts_the_prepared_sets_beside_the_papers(tmp_path):
    sets = {"table6/mine": prepared(tmp_path, "mine", "Mine", 6), "table6/stl": prepared(tmp_path, "stl", "STL-10", 12)}
    file = tmp_path / "results/tables/table6.csv"
    table6(Job("table6", "table6", {}, sets).description, tmp_path, file)
    frame = pd.read_csv(file).set_index("dataset")
    assert list(frame.index) == ["stl", "mine"]
    assert frame.loc["stl", ["Classes", "Train", "Test"]].tolist() == [3, 12, 9]
    assert frame.loc["stl", ["Paper's classes", "Paper's train", "Paper's test"]].tolist() == [10, 5000, 8000]
    assert frame.loc["mine"].isna().sum() == 3
    assert is_image(file)


def test_figure1_draws_filters_of_the_first_middle_and_last_layer(tmp_path):
    job = training_job(tmp_path)
    train(job.description, tmp_path, threads=1)
    file = tmp_path / "results/figures/fig1.csv"
    settings = {"order": ["small"], "filters": 5, "seed": 0}
    fig1(Job("fig1", "fig1", settings, {"fig1/small": job}).description, tmp_path, file)
    layers = depthwise_layers(load_network(artifacts.read(tmp_path, job.folder)))
    names = list(layers)
    frame = pd.read_csv(file)
    assert frame["layer"].unique().tolist() == [names[0], names[6], names[11]]
    assert (frame.groupby("layer")["filter"].nunique() == 5).all()
    for row in frame.to_dict("records"):
        drawn = [row[f"w{y}{x}"] for y in range(7) for x in range(7)]
        assert drawn == pytest.approx(layers[row["layer"]].weight[row["filter"], 0].flatten().tolist(), abs=1e-4)
    assert is_image(file)


def test_figure3_shows_which_filters_are_the_same(tmp_path):
    base, own = training_job(tmp_path, "waves"), training_job(tmp_path)
    settings = own.settings | {"transfer": {"layers": "depthwise", "bias": "trained", "first": 3}}
    job = Job("transfer", "stripes--waves", settings, own.inputs | {"source": base})
    train(base.description, tmp_path, threads=1)
    transfer(job.description, tmp_path, threads=1)
    file = tmp_path / "results/figures/fig3.csv"
    fig3(Job("fig3", "fig3", {}, {"fig3/base": base, "fig3/transfer": job}).description, tmp_path, file)
    frame = pd.read_csv(file)
    assert frame["transferred"].tolist() == [True] * 3 + [False] * 9
    assert frame["same_as_a"].tolist() == frame["transferred"].tolist()
    assert is_image(file)
