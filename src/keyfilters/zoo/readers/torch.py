"""PyTorch: state dicts, pickled modules and TorchScript, none of which is ever let run code.

A state dict has names and shapes only, so kinds, groups and strides are None. A pickled module is read with an inert
stand-in for every class that torch does not hold safe; its `Conv2d`s say their groups and strides. TorchScript is read
from its pickled attributes; groups and strides stand in the text of its code, which is parsed and not run.
"""

from __future__ import annotations

import ast
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.jit._pickle

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Convolution, Network, kind_of
from keyfilters.zoo.weights import convolution, from_iohw, reader

# Called when a pickled module is made anew, and harmless as a stand-in; a call of anything else is refused.
HARMLESS_CALLS = {"torchvision.transforms.functional.InterpolationMode", "ultralytics.utils.IterableSimpleNamespace"}
# TorchScript wraps lists of plain values into these, which give back what they are given.
SCRIPT_LISTS = ("build_intlist", "build_doublelist", "build_boollist", "build_tensorlist", "restore_type_tag")
# Bytes that may be packed in a file: PyTorch packs the code of TorchScript alone, and archive bombs are packed.
LARGEST_CODE = 100_000_000
OLDER = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the pickled number that files of before 1.6 begin with
# Parts of a checkpoint that are not the network itself.
NOT_THE_NETWORK = re.compile("optim|.*scheduler")
# Of a weight in two parts: the older and the newer form of `weight_norm`.
MAGNITUDE = re.compile(r"((?:.*\.)?)(?:weight_g|parametrizations\.weight\.original0)")
DIRECTION = re.compile(r"((?:.*\.)?)(?:weight_v|parametrizations\.weight\.original1)")


class _Stand:
    """Base of the stand-ins for pickled classes: holds the pickled attributes, does nothing."""

    def __new__(cls, *args: Any) -> _Stand:
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


class _StandType(type):
    def __call__(cls, *args: Any) -> Any:
        if cls.__name__ not in HARMLESS_CALLS:
            raise KeyfiltersError(f"the pickle wants to run {cls.__name__}")
        return cls.__new__(cls)


def _recognises(path: Path, head: bytes) -> bool:
    if not head.startswith(b"PK\x03\x04"):
        return head.startswith(OLDER)
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(("/data.pkl", "/constants.pkl")) for name in archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):  # as of an archive that is cut short
        return b"/data.pkl" in head


FORMAT = Format(extensions=(".pt", ".pth", ".ckpt", ".bin", ".pkl", ".ptl", ".pth.tar"), recognises=_recognises)


@reader("PyTorch")
def read(path: Path) -> Network:
    """The convolutions in the order of the file, which need not be that of execution."""
    content, code = _load(path)
    left_out: list[str] = []
    tensors: dict[str, torch.Tensor] = {}
    convolutions: list[Convolution] = []
    for name, item in _walk(_network(content, left_out), "", set()):
        if isinstance(item, torch.Tensor):
            tensors[name] = item
        else:
            convolutions.append(_of_module(path, name, item, code))
    for name, tensor in _without_weight_norm(tensors).items():
        if name.rpartition(".")[2] == "weight" and tensor.ndim == 4:
            convolutions.append(convolution(path, name, tensor.shape, partial(_array, tensor)))
        elif name.rpartition(".")[2] == "weight" and tensor.ndim in (3, 5):
            left_out.append(f"{name}: a weight of {tensor.ndim} dimensions, no 2-D convolution")
        elif tensor.ndim == 4:
            left_out.append(f"{name}: four dimensions, but not the weight of a layer")
    if not convolutions and not tensors:
        frozen = "; of frozen TorchScript, save the module before freezing" if code else ""
        raise KeyfiltersError(f"{path}: this PyTorch file holds no weights{frozen}")
    return Network(tuple(convolutions), producer="pytorch", left_out=tuple(left_out))


def _network(content: Any, left_out: list[str]) -> Any:
    """The part of a training checkpoint that is the network."""
    if not isinstance(content, Mapping):
        return content
    parts = dict(content)
    for name in [name for name in parts if NOT_THE_NETWORK.match(str(name))]:
        if not isinstance(parts[name], torch.Tensor):
            del parts[name]
            left_out.append(f"{name}: state of the training")
    if "ema" in parts and "model" in parts:
        # A checkpoint of Ultralytics; its own loader takes the averaged network where there is one.
        unused = "ema" if parts["ema"] is None else "model"
        if parts.pop(unused) is not None:
            left_out.append(f"{unused}: the network of ema, before averaging")
    return parts


def _walk(value: Any, name: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Tensors and convolution modules, with their dotted names; what is held twice is given once."""
    if id(value) in seen:
        return
    if isinstance(value, torch.Tensor) or _is_convolution(value):
        seen.add(id(value))
        yield name, value
        return
    if isinstance(value, _Stand):
        state = vars(value)
        # A module of torch.nn keeps its parts in these two; one of TorchScript has them as attributes.
        children = {**state["_parameters"], **state["_modules"]} if "_modules" in state else state
    elif isinstance(value, Mapping):
        children = value
    elif isinstance(value, list | tuple):
        children = dict(enumerate(value))
    else:
        return
    seen.add(id(value))
    for key, child in children.items():
        yield from _walk(child, f"{name}.{key}" if name else str(key), seen)


def _load(path: Path) -> tuple[Any, Mapping[str, str]]:
    """What the file holds, and the code of TorchScript by module."""
    code: dict[str, str] = {}
    is_zip = zipfile.is_zipfile(path)
    # From a file, a text that says to be of 4 GB would be given these before a byte of it is read.
    source: Path | io.BytesIO = path if is_zip else io.BytesIO(path.read_bytes())
    if is_zip:
        with zipfile.ZipFile(path) as archive:
            packed = sum(entry.file_size for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED)
            if packed > LARGEST_CODE:
                raise KeyfiltersError(f"{path}: refused: unpacks {packed:,} bytes, and PyTorch packs no weights")
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                source, code = _without_code(archive)
    try:
        unsafe = torch.serialization.get_unsafe_globals_in_checkpoint(source) if is_zip else []
        stands = [(_stand_in(name), name) for name in unsafe]
        if isinstance(source, io.BytesIO):
            source.seek(0)
        with torch.serialization.safe_globals(stands):
            mmap = is_zip and not isinstance(source, io.BytesIO)
            return torch.load(source, map_location="cpu", weights_only=True, mmap=mmap), code
    except Exception as error:
        raise KeyfiltersError(f"{path}: refused or damaged PyTorch file ({_why(error)})") from error


def _stand_in(name: str) -> Any:
    module, _, function = name.rpartition(".")
    if module == "torch.jit._pickle" and function in SCRIPT_LISTS:
        return getattr(torch.jit._pickle, function)
    return _StandType(name, (_Stand,), {})


def _why(error: Exception) -> str:
    """torch wraps the reason into advice to load the file unsafely, which is not to be given."""
    text = str(error)
    for pattern in (r"the pickle wants to run [\w.]+", r"whose module \S+ is blocked", r"WeightsUnpickler error: (.*)"):
        if match := re.search(pattern, text):
            text = match[0]
            break
    text = re.split(r"\. Please use |\n", text)[0]
    return " ".join(text.split())[:200] or type(error).__name__


def _without_code(archive: zipfile.ZipFile) -> tuple[io.BytesIO, dict[str, str]]:
    """A TorchScript archive as one of `torch.save`, which takes no archive with code, and its code by module.

    `torch.jit.load` is no choice: it runs the `__setstate__` of the classes in the file.
    """
    copy = io.BytesIO()
    code = {}
    with zipfile.ZipFile(copy, "w") as plain:
        for entry in archive.infolist():
            _, _, name = entry.filename.partition("/")
            if name.startswith("code/"):
                if name.endswith(".py"):
                    module = name.removeprefix("code/").removesuffix(".py").replace("/", ".")
                    code[module] = archive.read(entry).decode()
            elif not name.startswith("constants"):
                plain.writestr(entry.filename, archive.read(entry))
    copy.seek(0)
    return copy, code


def _is_convolution(value: Any) -> bool:
    """Whether a stand-in is that of a convolution module of two dimensions."""
    if not isinstance(value, _Stand):
        return False
    weight = _weight(value)
    is_script = re.search(r"\.conv\.(\w+\.)?Conv(Transpose)?2d$", type(value).__name__)
    is_module = {"kernel_size", "stride", "groups", "transposed"} <= vars(value).keys()
    return isinstance(weight, torch.Tensor) and weight.ndim == 4 and bool(is_module or is_script)


def _weight(module: _Stand) -> Any:
    state = vars(module)
    return state.get("_parameters", state).get("weight")


def _of_module(path: Path, name: str, module: _Stand, code: Mapping[str, str]) -> Convolution:
    weight, state = _weight(module), vars(module)
    if "_parameters" in state:
        stride, groups, transposed = state["stride"], state["groups"], state["transposed"]
    else:
        stride, groups, transposed = _call(code, type(module).__name__)
    if groups is None:
        return convolution(path, f"{name}.weight", weight.shape, partial(_array, weight))
    values = partial(_array, weight)
    shape = tuple(weight.shape)
    if transposed:
        shape = (shape[1] * groups, shape[0] // groups, *shape[2:])
        values = partial(_transposed, weight, groups)
    facts = {"kind": kind_of(shape, groups, transposed), "groups": groups, "stride": tuple(stride)}
    return convolution(path, f"{name}.weight", shape, values, **facts)


def _call(code: Mapping[str, str], kind: str) -> tuple[list[int] | None, int | None, bool]:
    """Stride, groups and transposition with which a TorchScript class calls its convolution; None where not plain."""
    module, _, class_name = kind.rpartition(".")
    for node in ast.walk(ast.parse(code.get(module, ""))):
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and (facts := _arguments(call)):
                    return facts
    return None, None, class_name.startswith("ConvTranspose")


def _arguments(call: ast.Call) -> tuple[list[int], int, bool] | None:
    function = ast.unparse(call.func)
    # Positions of groups; those left out have the defaults of torch.nn.functional.
    groups_at = {"torch.conv2d": 6, "torch.conv_transpose2d": 6, "torch._convolution": 8}.get(function)
    if groups_at is None:
        return None
    stride = ast.literal_eval(call.args[3]) if len(call.args) > 3 else [1, 1]
    groups = ast.literal_eval(call.args[groups_at]) if len(call.args) > groups_at else 1
    is_transposed = function == "torch.conv_transpose2d" or (
        function == "torch._convolution" and ast.literal_eval(call.args[6])
    )
    return stride, groups, is_transposed


def _without_weight_norm(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of `torch.nn.utils.weight_norm`, kept as magnitude and direction of each filter, put together."""
    whole = {}
    for name, tensor in tensors.items():
        if match := MAGNITUDE.fullmatch(name):
            direction = tensors.get(f"{match[1]}weight_v", tensors.get(f"{match[1]}parametrizations.weight.original1"))
            if direction is not None and tensor.shape == (len(direction), *[1] * (direction.ndim - 1)):
                norm = direction.float().flatten(1).norm(dim=1).reshape(tensor.shape)
                whole[f"{match[1]}weight"] = tensor.float() * direction.float() / norm
                continue
        if not ((match := DIRECTION.fullmatch(name)) and f"{match[1]}weight" in whole):
            whole[name] = tensor
    return whole


def _array(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach()
    return (tensor.dequantize() if tensor.is_quantized else tensor).to(torch.float32).numpy()


def _transposed(tensor: torch.Tensor, groups: int) -> np.ndarray:
    return from_iohw(_array(tensor), groups)
