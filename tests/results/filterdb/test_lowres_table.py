"""The table of the low-resolution networks: their accuracies, n, and what is published beside them."""

import pandas as pd
from PIL import Image

from keyfilters.models.registry import ARCHITECTURES
from keyfilters.results.filterdb.lowres import lowres, published
from keyfilters.store.identity import Job


def test_a_row_per_network_and_a_column_per_set(tmp_path, gathered):
    models = {network: {"architecture": f"lowres_{network}", "width": 0.125} for network in ("resnet9", "vgg16")}
    accuracies = {("big", "resnet9"): (0.5, 0.6), ("big", "vgg16"): (0.3,), ("small", "resnet9"): (0.9,)}
    accuracies["small", "vgg16"] = (0.8,)
    inputs = dict(
        gathered(
            "lowres", dataset, None, shares, f"{dataset}--{network}", {"network": network, "model": models[network]}
        )
        for (dataset, network), shares in accuracies.items()
    )
    order = [name.partition("/")[2] for name in inputs]
    file = tmp_path / "results/tables/lowres.csv"
    lowres(Job("lowres", "lowres", {"order": order}, inputs).description, file)

    frame = pd.read_csv(file).set_index(["network", "dataset"])
    assert frame.loc[("resnet9", "big"), ["mean", "n"]].tolist() == [55, 2]
    assert frame.loc[("vgg16", "small"), "mean"] == 80
    text = file.with_suffix(".md").read_text()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line]
    assert cells[0] == ["Network", "The big set", "The small set"]
    assert cells[2] == ["resnet9", "55.0 ± 7.1 (n = 2)", "90.0"]
    assert "vgg16 is lowres_vgg16 (width 0.125)" in text
    assert "ublished" not in text  # of these sets nothing is
    with Image.open(file.with_suffix(".png")) as image:
        assert min(image.size) > 100


def test_published_accuracies_stand_beside_those_of_the_same_network_and_set(tmp_path, gathered):
    model = {"architecture": "lowres_resnet9"}
    role = {"network": "mine", "model": model}
    inputs = dict([gathered("lowres", "cifar10", None, (0.9,), "cifar10--mine", role)])
    file = tmp_path / "results/tables/lowres.csv"
    lowres(Job("lowres", "lowres", {"order": ["cifar10--mine"]}, inputs).description, file)
    assert pd.read_csv(file)["published"].tolist() == [94.792]
    text = file.with_suffix(".md").read_text()
    assert "The cifar10 set, published" in text
    assert "| 94.8" in text
    assert "9,984 of 10,000" in text


def test_the_published_accuracies():
    assert len(published()) == 22 * 5
    assert published()["lowres_resnet9", "cifar10"] == 94.792
    assert published()["lowres_vgg16", "cifar10"] == 18.189
    assert published()["lowres_mobilenet_v2", "cifar100"] == 75.2
    assert {network for network, _ in published()} == {name for name in ARCHITECTURES if name.startswith("lowres_")}
