"""ONNX files whose large tensors stay on disk: the model without them, and each tensor read from where it lies.

`onnx.load` holds a file twice in memory, once as bytes and once parsed. Here a scan over the protobuf fields leaves
the bytes of every large tensor out of what is parsed, and notes where in the file they are, in the form that ONNX
has for external data; so inline and external tensors are read by the same code.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import BinaryIO

import numpy as np
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError
from onnx import ModelProto, StringStringEntryProto, TensorProto, numpy_helper
from onnx.external_data_helper import ExternalDataInfo, uses_external_data
from onnx.helper import tensor_dtype_to_np_dtype

from keyfilters.errors import KeyfiltersError

LARGE = 4096
"""Bytes from which on a tensor stays on disk."""

_WITH_OPERATOR_SETS = 3  # the first version of the format whose models name them, behind the graph
_LEVELS = 100  # of messages within messages, as many as the protobuf library takes
_AS_BYTES = ("raw_data", "float_data", "double_data")  # fields of a tensor that hold it as little-endian numbers
_OWN_FILE = ""  # the location of tensors that lie in the model's own file
_NOT_NUMBERS = (TensorProto.UNDEFINED, TensorProto.STRING, TensorProto.COMPLEX64, TensorProto.COMPLEX128)
_BITS = {
    **dict.fromkeys((TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1), 4),
    **dict.fromkeys((TensorProto.INT2, TensorProto.UINT2), 2),
}
"""Bits of a number of the types that share bytes."""


def parse(path: Path) -> ModelProto:
    """The model with its large tensors as external data in the file itself (empty `location`).

    Raises KeyfiltersError for what is cut short, or is a protobuf but no ONNX model.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            model = ModelProto.FromString(_lean(file, size, ModelProto.DESCRIPTOR, _LEVELS))
    except DecodeError as error:
        raise KeyfiltersError("not an ONNX file, or cut short") from error
    if not model.ir_version or not model.graph.node:
        raise KeyfiltersError("not an ONNX model: a protobuf without a version or without nodes")
    if model.ir_version >= _WITH_OPERATOR_SETS and not model.opset_import:
        raise KeyfiltersError("cut short: it ends before its operator sets")
    return model


def _lean(file: BinaryIO, end: int, message: Descriptor, levels: int) -> bytes:
    """The message of this type from where `file` is to `end`, encoded anew without the large tensors in it."""
    if not levels:
        raise DecodeError("messages within messages without end")
    parts, references = [], []
    while (begin := file.tell()) < end:
        key, body, after = _field(file, end)
        field = message.fields_by_number.get(key >> 3)
        large = key & 7 == 2 and after - begin >= LARGE
        if large and field and field.message_type:
            inner = _lean(file, after, field.message_type, levels - 1)
            parts += [_as_varint(key), _as_varint(len(inner)), inner]
        elif large and field and message is TensorProto.DESCRIPTOR and field.name in _AS_BYTES:
            references.append(_reference(body, after - body))
        else:
            file.seek(begin)
            parts.append(file.read(after - begin))
        file.seek(after)
    return b"".join(parts + references)  # at the end, where they count more than what the tensor says


def _field(file: BinaryIO, end: int) -> tuple[int, int, int]:
    """Key of the field where `file` is, where its value begins and where it ends."""
    key = _varint(file)
    if key & 7 == 0:
        _varint(file)
        length = 0
    else:
        length = _varint(file) if key & 7 == 2 else {1: 8, 5: 4}.get(key & 7, end)
    body = file.tell()
    if body + length > end:
        raise DecodeError("cut short")
    return key, body, body + length


def _varint(file: BinaryIO) -> int:
    """A protobuf number of seven bits a byte."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            break
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise DecodeError("cut short")


def _as_varint(value: int) -> bytes:
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _reference(offset: int, length: int) -> bytes:
    """Fields of a tensor that say where its bytes are."""
    entries = {"location": _OWN_FILE, "offset": str(offset), "length": str(length)}
    external = [StringStringEntryProto(key=key, value=value) for key, value in entries.items()]
    return TensorProto(data_location=TensorProto.EXTERNAL, external_data=external).SerializeToString()


class StoredTensor:
    """A tensor of a model: its `shape`, and its numbers in the stored type by `load()`.

    Raises KeyfiltersError if the type is unknown, its bytes do not fill its shape, or its external data are
    missing, shorter than it, or outside the model's folder (also by a link).
    """

    def __init__(self, tensor: TensorProto, path: Path) -> None:
        self._tensor, self._path = tensor, path
        self.shape = tuple(tensor.dims)
        if tensor.data_type in _NOT_NUMBERS or tensor.data_type not in TensorProto.DataType.values():
            raise KeyfiltersError(f"tensor {tensor.name!r} has the unknown or unfit data type {tensor.data_type}")
        if min(self.shape, default=0) < 0:
            raise KeyfiltersError(f"tensor {tensor.name!r} has the impossible shape {self.shape}")
        self._dtype = np.dtype(tensor_dtype_to_np_dtype(tensor.data_type))
        if uses_external_data(tensor):
            bits = _BITS.get(tensor.data_type, 8 * self._dtype.itemsize)
            self._bytes = -(-math.prod(self.shape) * bits // 8)
            self._file, self._offset = self._checked()
        else:
            self._inline()

    def load(self) -> np.ndarray:
        """The numbers, read once from the file into their place."""
        if not uses_external_data(self._tensor):
            return self._inline()
        array = np.empty(self._bytes // self._dtype.itemsize, self._dtype)
        with self._file.open("rb") as file:
            file.seek(self._offset)
            if self._tensor.data_type in _BITS:
                return self._unpacked(file.read(self._bytes))
            if file.readinto(array.view(np.uint8)) != self._bytes:
                raise KeyfiltersError(f"{self._file.name} became shorter while it was read")
        return array.reshape(self.shape)

    def _inline(self) -> np.ndarray:
        try:
            return numpy_helper.to_array(self._tensor)
        except (ValueError, TypeError) as error:
            raise self._unfilled() from error

    def _unpacked(self, data: bytes) -> np.ndarray:
        """Numbers that share bytes."""
        return numpy_helper.to_array(TensorProto(dims=self.shape, data_type=self._tensor.data_type, raw_data=data))

    def _checked(self) -> tuple[Path, int]:
        """The file with the bytes of the tensor, and where in it they begin."""
        try:
            info = ExternalDataInfo(self._tensor)
            file, offset = self._located(info.location), info.offset or 0
        except (ValueError, TypeError, OSError, RuntimeError) as error:  # no numbers, no path, a ring of links
            raise KeyfiltersError(f"the external data of tensor {self._tensor.name!r}: {error}") from error
        available = file.stat().st_size - offset
        if (available if info.length is None else info.length) != self._bytes or available < self._bytes:
            raise self._unfilled()
        return file, offset

    def _located(self, location: str) -> Path:
        if location == _OWN_FILE:
            return self._path
        folder = self._path.parent.resolve()
        file = (folder / location).resolve()
        if not file.is_relative_to(folder):
            raise KeyfiltersError(f"tensor {self._tensor.name!r} lies outside the model's folder, in {location!r}")
        if not file.is_file():
            raise KeyfiltersError(f"tensor {self._tensor.name!r} lies in {location!r}, which is missing")
        return file

    def _unfilled(self) -> KeyfiltersError:
        return KeyfiltersError(f"the bytes of tensor {self._tensor.name!r} do not fill its shape {self.shape}")
