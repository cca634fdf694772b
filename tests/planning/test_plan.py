"""The plan: trainings, images and hours, from data alone, each training once."""

import copy
from pathlib import Path

import pytest
import yaml

from keyfilters.models.registry import ARCHITECTURES
from keyfilters.planning import plan
from keyfilters.store import artifacts
from keyfilters.study import jobs
from keyfilters.study.study import check

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())


def study_of(name, **tables):
    config = copy.deepcopy(CONFIG) | {"study": name}
    if tables:
        config["studies"][name]["tables"] = tables
    return check(config).current


def table_of(text):
    lines = text.splitlines()[4:]
    return {line.split()[0]: line.split()[1:] for line in lines[: lines.index("")]}


def test_a_training_is_counted_once(tmp_path):
    study = study_of("paper", table2={"targets": ["pets"], "sources": ["pets", "stl10"]}, table7={"datasets": ["pets"]})
    rows = table_of(plan.plan(study, "paper", tmp_path))
    # 3 seeds: pets and stl10 trained under the next ones, pets with the filters of either; base models of table7, whose
    # first seed no filters are taken from, and with which table2's diagonal is compared.
    images = 300 * (3 * (3 * 3680 + 5000) + 3680) / 1e6
    assert rows["table2"][:2] == ["13", f"{images:.1f}"]
    assert rows["table2"][3:5] == ["13", f"{images:.1f}"]
    assert rows["table7"][:2] == ["3", f"{300 * 3 * 3680 / 1e6:.1f}"]
    assert rows["table7"][3] == "0"
    assert rows["all"][0] == "13"


def test_networks_that_are_loaded_are_no_trainings(tmp_path):
    study = study_of("paper", fig1={"dataset": "imagenet", "models": ["base", "tiny"]})
    assert table_of(plan.plan(study, "paper", tmp_path))["fig1"][0] == "0"


def test_hours_go_with_operations_and_the_square_of_the_size():
    tiny = plan.images_per_second({"architecture": "convnext_tiny"}, 224)
    assert tiny == 819
    assert plan.images_per_second({"architecture": "convnext_tiny"}, 112) == pytest.approx(4 * tiny)
    # timm halves once more behind a patch of 2, so the maps and the operations are those of a patch of 4
    assert plan.images_per_second({"architecture": "convnext_tiny", "patch_size": 2}, 112) == pytest.approx(4 * tiny)
    assert plan.images_per_second({"architecture": "convnext_tiny", "patch_size": 1}, 56) == pytest.approx(tiny)
    hornet = plan.images_per_second({"architecture": "hornet_tiny"}, 224)
    assert plan.images_per_second({"architecture": "hornet_tiny", "patch_size": 2}, 112) == pytest.approx(hornet)
    femto = plan.images_per_second({"architecture": "convnext_femto"}, 224)
    assert femto == pytest.approx(tiny * 4.456 / 0.780)
    assert plan.images_per_second({"architecture": "convnext_femto", "dims": [8, 8, 8, 8]}, 224) is None


def test_operations_are_those_of_the_networks():
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from keyfilters.models.build import build

    for name, architecture in ARCHITECTURES.items():
        if architecture.giga_macs is None:
            continue
        with torch.device("meta"):
            network = build({"architecture": name}, 1000)
            with FlopCounterMode(display=False) as counted, torch.no_grad():
                network(torch.empty(1, 3, plan.NATIVE_SIZE, plan.NATIVE_SIZE))
        assert counted.get_total_flops() / 2e9 == pytest.approx(architecture.giga_macs, rel=1e-3), name


def test_a_prepared_set_is_counted_itself(tmp_path):
    study = study_of("paper")
    assert plan.counts(study, "imagenet", tmp_path) == (1281167, 50000)
    assert plan.counts(study, "natural", tmp_path) == (round(0.449 * 1281167), 22450)
    with artifacts.write(tmp_path, jobs.prepare(study, "natural").description) as draft:
        draft.facts.update(train=7, test=3)
    assert plan.counts(study, "natural", tmp_path) == (7, 3)


def test_limits_per_class_count(tmp_path):
    assert plan.counts(study_of("mini"), "cifar10", tmp_path) == (5_000, 2_000)


def test_validation_images_are_what_training_leaves_over(tmp_path):
    config = copy.deepcopy(CONFIG) | {"study": "recipes"}
    config["studies"]["recipes"]["datasets"]["cifar10_8"] |= {"train_per_class": 4_500}
    assert plan.counts(check(config).current, "cifar10_8", tmp_path) == (45_000, 5_000)


def test_what_is_not_known_is_said(tmp_path):
    text = plan.plan(study_of("mini", table7={"datasets": ["emoji"]}), "mini", tmp_path)
    assert table_of(text)["table7"][:3] == ["1", "?", "?"]
    assert "Not in the sums: 1 of 1 trainings" in text


@pytest.mark.parametrize("name", CONFIG["studies"])
def test_every_study_is_planned(name, tmp_path):
    text = plan.plan(study_of(name), name, tmp_path)
    assert set(table_of(text)) == {*jobs.tables(study_of(name)), "all"}


def test_seeds_of_a_tables_own_are_named(tmp_path):
    table1 = {"source": "stl10", "target": "pets", "seeds": [0, 1, 2, 3, 4]}
    study = study_of("paper", table1=table1, table7={"datasets": ["pets"]})
    assert "3 seeds, table1 5; " in plan.plan(study, "paper", tmp_path)
