"""The plan says which maps the judged layers read, and warns of those that their kernels exceed."""

import copy
from pathlib import Path

import yaml

from keyfilters.planning import plan, reach
from keyfilters.study.study import check

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
FEMTO = "convnext_femto"


def study_of(tables, image_size=32, model=None, models=None):
    """The mini study's sets with these tables, networks and images."""
    config = copy.deepcopy(CONFIG) | {"study": "mini"}
    study = config["studies"]["mini"]
    study |= {"image_size": image_size, "model": model or {"architecture": FEMTO}, "models": models or {}}
    study |= {"tables": tables, "zoo": {}, "training_of": {}}
    return check(config).current


TABLE2 = {"table2": {"targets": ["emoji"], "sources": ["emoji", "signs"]}}


def test_small_maps_are_warned_of_with_their_layers():
    first, warning, advice = reach.report(study_of(TABLE2))
    assert first == "Maps of convnext_femto, layers 1 to 12: 8, 4, 2, 1 px."
    assert warning == (
        "WARNING: kernels exceed their maps in 8 of these: "
        "layers 5-10, 9 of 49 taps on 2 px; layers 11-12, 1 of 49 taps on 1 px."
    )
    assert "larger images give larger maps" in advice


def test_larger_images_are_what_helps_and_a_patch_of_two_does_not():
    assert len(list(reach.report(study_of(TABLE2, 128)))) == 1
    patch2 = list(reach.report(study_of(TABLE2, model={"architecture": FEMTO, "patch_size": 2})))
    assert "8, 4, 2, 1 px" in patch2[0]
    assert "layers 11-12, 1 of 49 taps on 1 px" in patch2[1]


def test_only_the_layers_that_are_judged_count():
    curve = {"fig4": {"source": "signs", "target": "emoji", "n": [2, 4]}}
    assert list(reach.report(study_of(curve))) == ["Maps of convnext_femto, layers 1 to 4: 8, 4 px."]


def test_other_networks_are_judged_by_their_own_kernels():
    curve = {"fig2b": {"source": "signs", "target": "emoji", "model": "deep", "n": [49]}}
    first, warning, _ = reach.report(study_of(curve, 32, models={"deep": {"architecture": "resnet50"}}))
    assert first == "Maps of resnet50, layers 1 to 49: 32, 8, 4, 2, 1 px."
    assert warning.endswith(": layers 42, 4 of 9 taps on 2 px; layers 45, 48, 1 of 9 taps on 1 px.")


def test_the_source_of_stacked_filters_is_judged_with_all_its_layers():
    tables = {"table4": {"source": "signs", "target": "emoji", "model": "horn"}}
    report = "\n".join(reach.report(study_of(tables, 64, models={"horn": {"architecture": "hornet_tiny"}})))
    assert "Maps of hornet_tiny, layers 1 to 25: 16, 8, 4, 2 px." in report
    assert "layers 24-25, 9 of 49 taps on 2 px" in report


def test_pointwise_layers_are_not_judged_by_maps():
    tables = {"table5": {"targets": ["emoji"], "sources": ["emoji"]}}
    assert list(reach.report(study_of(tables))) == []


def test_the_plan_has_the_maps_and_the_warning(tmp_path):
    text = plan.plan(study_of(TABLE2), "mini", tmp_path)
    assert "Maps of convnext_femto" in text
    assert "WARNING" in text
