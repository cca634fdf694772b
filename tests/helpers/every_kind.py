"""Settings of a tiny study that has every kind of job, every table and every figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.helpers.tiny_study import SETS, images

WIDTH = 0.0625
CONTROLS = ["random", "identity"]
DEPTHWISE = {"set": "depthwise_7x7", "min_filters_of_layer": 4}


def configuration(folder: Path) -> dict[str, Any]:
    """Its settings, its archives written into `folder`."""
    digests = {name: images(folder / f"{name}.tar", seed) for seed, name in enumerate(SETS)}
    of_sets = {"source": "stripes", "target": "dots"}
    study = {
        "image_size": 32,
        "seeds": [0],
        "model": {"architecture": "convnext_femto", "dims": [8, 8, 8, 8], "patch_size": 2, "conv_mlp": False},
        "models": {
            "tiny": {"architecture": "convnext_tiny", "dims": [8, 8, 8, 8], "conv_mlp": False},
            "hornet_tiny": {"architecture": "hornet_tiny", "base_dim": 8},
            "resnet50": {"architecture": "resnet50", "channels": [4, 4, 4, 4]},
            "yosinski8": {"architecture": "yosinski8", "width": WIDTH, "patch_size": 1, "map_size": 3},
        },
        "datasets": {
            name: {"source": "archive", "path": str(folder / f"{name}.tar"), "sha256": digest}
            for name, digest in digests.items()
        },
        "training": {"epochs": 1, "batch_size": 16, "learning_rate": 0.01},
        "training_of": {"stripes": {"weight_decay": 0.1, "label_smoothing": 0.1}},
        "transfer": {},
        "lowres": {
            "networks": {name: {"architecture": f"lowres_{name}", "width": WIDTH} for name in ("resnet9", "resnet14")},
            "datasets": ["dots"],
            "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.01},
            "reproducibility": {"networks": ["resnet9"], "dataset": "dots", "seeds": [0, 1]},
            "formation": {"network": "resnet9", "dataset": "dots", "epochs": [0, 2]},
        },
        "zoo": {"trained": ["dots", "stripes", "dots-tiny"], "lowres": True},
        "analysis": {
            "duplicates": "each",
            "sets": {
                "conv_3x3": {"min_filters": 20},
                "depthwise_7x7": {"kernel": [7, 7], "kinds": ["depthwise"], "min_filters": 20},
            },
            "bins": 20,
        },
        "tables": {
            "table1": {**of_sets, "model": "tiny"},
            "table2": {"targets": ["dots", "stripes"], "sources": ["dots", "stripes"], "controls": CONTROLS},
            "table3": {**of_sets, "models": ["model", "tiny"]},
            "table4": {**of_sets, "model": "hornet_tiny"},
            "table5": {"targets": ["dots"], "sources": ["dots", "stripes"]},
            "table6": {},
            "table7": {},
            "lowres": {},
            "fig1": {"dataset": "dots", "models": ["tiny"]},
            "fig2a": {**of_sets, "model": "yosinski8", "n": [1]},
            "fig2b": {**of_sets, "model": "resnet50", "n": [7]},
            "fig2c": {**of_sets, "model": "tiny", "n": [3]},
            "fig2": {},
            "fig3": of_sets,
            "fig4": {**of_sets, "n": [2]},
            "claims": {},
            "controls": {},
            "multiverse": {},
            "filterdb_fig1": {"network": "lowres-dots-resnet9-seed0", "filters": 4},
            "filterdb_fig2": {"min_filters": 20, "min_layers": 2},
            "filterdb_fig3": {},
            "filterdb_fig4": {"bins": 16},
            "filterdb_fig5": {"groups": [{"grouping": "task", "group": "classification"}]},
            "filterdb_fig6": {},
            "filterdb_fig7": {"min_filters": 20},
            "filterdb_fig8": {},
            "filterdb_fig9": {},
            "filterdb_fig10": {},
            "filterdb_ablation": {},
            "filterdb_claims": {},
            "filterdb_zoo": {},
            "filterdb_reproducibility": {"min_filters": 20, "draws": 3},
            "depthwise_pca": {"sets": ["depthwise_7x7"]},
            "depthwise_drift": {**DEPTHWISE, "min_filters": 20, "draws": 3, "samples": 50},
            "depthwise_quality": DEPTHWISE,
            "depthwise_patterns": {"sets": ["depthwise_7x7"], "counts": [1, 2], "drawn": 2},
            "depthwise_covariance": {"sets": ["depthwise_7x7"], "min_filters_of_layer": 2},
        },
    }
    return {"study": "tiny", "cache": None, "studies": {"tiny": study}}


def other_way_round(config: Any) -> Any:
    """The same settings, every mapping in the other order, and what the store takes of the study's networks."""
    if not isinstance(config, dict):
        return config
    turned = {key: other_way_round(value) for key, value in reversed(config.items())}
    return turned | {"trained": turned["trained"][::-1]} if "trained" in turned else turned
