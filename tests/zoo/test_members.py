"""Which files of a package belong to a network."""

import json

import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.members import unpack_network
from tests.helpers.tiny_files import pack

MANIFEST = [{"paths": ["a-shard1", "a-shard2"], "weights": []}]


@pytest.mark.parametrize(
    ("format", "member", "beside", "others"),
    [
        ("onnx", "m/x.onnx", ["m/x.onnx.data", "m/x.onnx_data"], ["m/y.onnx", "m/x.txt"]),
        ("torch", "m/x.pt", [], ["m/x.pt.txt", "m/y.pt"]),
        ("ncnn", "m/x.bin", ["m/x.param"], ["m/y.param", "x.param"]),
        ("tf-checkpoint", "m/.data-00000-of-00001", ["m/.index"], ["m/x.index"]),
        ("tf-checkpoint", "m/v.data-00000-of-00001", ["m/v.index"], ["m/.index", "m/v.meta"]),
        ("tfjs", "m/x.json", ["m/a-shard1", "m/a-shard2"], ["m/b-shard1", "a-shard1"]),
        ("tfjs-in-js", "m/x.min.js", ["m/group1-shard1of2.min.js", "m/group1-shard2of2.min.js"], ["n/shard1.min.js"]),
        ("onnx-chunked", "m/x.json", ["m/one", "m/two"], ["m/three"]),
    ],
)
def test_what_lies_beside_a_member(tmp_path, format, member, beside, others):
    content = dict.fromkeys((*others, *beside), b"x") | {member: b"m"}
    if format == "tfjs":
        content[member] = json.dumps({"weightsManifest": MANIFEST}).encode()
    if format == "onnx-chunked":
        keys = {"/models/small": ["three"], "/models/medium": ["one", "two"]}
        chunks = {key: {"chunks": [{"hash": name} for name in names]} for key, names in keys.items()}
        content[member] = json.dumps(chunks).encode()
    archive = pack(tmp_path / "a.tgz", content)
    model = {"member": member, "format": format, "part": "/models/medium"}
    path = unpack_network(archive, model, tmp_path / "out")
    assert path == tmp_path / "out" / member
    unpacked = {str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*") if file.is_file()}
    assert unpacked == {member, *beside}


def test_a_manifest_alone_is_a_list(tmp_path):
    archive = pack(tmp_path / "a.tgz", {"m/x.json": json.dumps(MANIFEST).encode(), "m/a-shard1": b"", "m/b": b""})
    unpack_network(archive, {"member": "m/x.json", "format": "tfjs"}, tmp_path / "out")
    assert (tmp_path / "out/m/a-shard1").exists()
    assert not (tmp_path / "out/m/b").exists()


@pytest.mark.parametrize("format", ["tfjs", "onnx-chunked"])
@pytest.mark.parametrize("content", [b"\xff", b"{", b"[1]", b'{"weightsManifest": [{}]}', b"3"])
def test_a_member_that_lists_no_files_is_refused(tmp_path, format, content):
    archive = pack(tmp_path / "a.tgz", {"m/x.json": content})
    with pytest.raises(KeyfiltersError):
        unpack_network(archive, {"member": "m/x.json", "format": format, "part": "k"}, tmp_path / "out")


def test_a_manifest_cannot_reach_files_elsewhere(tmp_path):
    paths = json.dumps([{"paths": ["../../etc/passwd", "/etc/passwd", "../b"]}]).encode()
    archive = pack(tmp_path / "a.tgz", {"m/x.json": paths, "b": b"x"})
    unpack_network(archive, {"member": "m/x.json", "format": "tfjs"}, tmp_path / "out")
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["a.tgz", "x.json"]
