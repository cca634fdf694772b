"""How fast the weights of an ONNX model are read from warm disk, and how much memory that takes."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from benchmarks.report import Report, Sample, output_of

MEGABYTES = 500
CHANNELS = 512  # 9.4 MB a layer
NOTE = (
    "A model of {megabytes:.0f} MB of random float32 weights of 3x3 convolutions in one file, and as external data. "
    "Read: every layer loaded in turn, with the check for numbers that are not finite. Plain read: the same bytes "
    "into one buffer of 1 MiB. Each in a process of its own, one thread, files in the disk's cache. Memory: peak of "
    "the process beyond what it had with the modules imported, and beyond the largest layer."
)

READ = """
import json, re, sys, time
from pathlib import Path
from keyfilters.zoo.readers.onnx import read

def peak():  # getrusage would give the parent's, if that is more
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

def plainly(paths):
    for path in paths:
        with path.open("rb", buffering=0) as file:
            buffer = bytearray(1 << 20)
            while file.readinto(buffer):
                pass

paths = [Path(name) for name in sys.argv[1:]]
began = time.perf_counter()
plainly(paths)
plain, before = time.perf_counter() - began, peak()
began = time.perf_counter()
sizes = [layer.load().nbytes for layer in read(paths[0]).convolutions]
seconds = time.perf_counter() - began
print(json.dumps({"bytes": sum(sizes), "seconds": seconds, "plain": plain, "memory": peak() - before - max(sizes)}))
"""


def report(rounds: int) -> Report:
    """MB/s of layers loaded and of a plain read, and megabytes of memory beyond the largest layer."""
    rows, numbers = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for form, paths in _models(Path(folder)).items():
            runs = [_measured(paths) for _ in range(rounds + 1)][1:]
            samples = {
                "MB/s": Sample(tuple(run["bytes"] / run["seconds"] / 1e6 for run in runs)),
                "plain MB/s": Sample(tuple(run["bytes"] / run["plain"] / 1e6 for run in runs)),
                "of plain": Sample(tuple(run["plain"] / run["seconds"] for run in runs)),
                "memory MB": Sample(tuple(run["memory"] / 1e6 for run in runs)),
            }
            forms = {"of plain": ".2f"}
            texts = {name: sample.text(forms.get(name, ".0f")) for name, sample in samples.items()}
            rows.append({"weights": form, **texts, "n": rounds})
            numbers[form] = {name: sample.numbers for name, sample in samples.items()}
    return Report("Reading ONNX weights", rows, [NOTE.format(megabytes=MEGABYTES)], numbers)


def _models(folder: Path) -> dict[str, list[Path]]:
    """The files of the model in each form, the one to read first."""
    random, weights = np.random.default_rng(0), []
    while sum(weight.nbytes for weight in weights) < MEGABYTES * 1e6:
        weights.append(random.standard_normal((CHANNELS, CHANNELS, 3, 3), dtype=np.float32))
    names = [f"weight{index}" for index in range(len(weights))]
    nodes = [helper.make_node("Conv", [str(i), name], [str(i + 1)], pads=[1] * 4) for i, name in enumerate(names)]
    ends = [helper.make_tensor_value_info(str(i), TensorProto.FLOAT, None) for i in (0, len(nodes))]
    tensors = [numpy_helper.from_array(weight, name) for weight, name in zip(weights, names, strict=True)]
    model = helper.make_model(helper.make_graph(nodes, "random", ends[:1], ends[1:], tensors))
    inline, external = folder / "inline.onnx", folder / "external.onnx"
    save(model, inline)
    save(model, external, save_as_external_data=True, location="external.bin")
    return {"in the file": [inline], "external data": [external, folder / "external.bin"]}


def _measured(paths: list[Path]) -> dict[str, float]:
    return json.loads(output_of([sys.executable, "-c", READ, *map(str, paths)]).splitlines()[-1])
