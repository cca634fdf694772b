"""Message classes from field numbers, of formats whose own packages would bring a whole framework along."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

Field = descriptor_pb2.FieldDescriptorProto


def messages(package: str, schema: Mapping[str, Mapping[str, str]]) -> dict[str, type[Message]]:
    """Classes by name. `schema[message][field]` is number and type, as `5 float`; `*` behind the type: repeated.

    A type is one of protobuf's, or another message of the schema. Fields that the schema lacks are passed over.
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto2")
    for name, fields in schema.items():
        message = file.message_type.add(name=name)
        for field, description in fields.items():
            number, kind = description.removesuffix("*").split()
            entry = message.field.add(name=field, number=int(number))
            entry.label = Field.LABEL_REPEATED if description.endswith("*") else Field.LABEL_OPTIONAL
            if kind in schema:
                entry.type, entry.type_name = Field.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                entry.type = getattr(Field, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in schema}


class Entry(NamedTuple):
    """A field of an encoded message: its number and wire type, and where its value begins and ends."""

    number: int
    wire: int
    start: int
    end: int


def entries(path: Path, start: int = 0, end: int | None = None, most: int = 64) -> list[Entry]:
    """The first fields of the message in a file, or in these bytes of it, whose values are passed over.

    The list ends where the bytes are no message any more; where they are cut short, with the field that is cut.
    """
    fields = []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        end = size if end is None else min(end, size)
        position = start
        while position < end and len(fields) < most:
            file.seek(position)
            key, begin = _varint(file.read(10), position)
            wire, length = key & 7, {1: 8, 5: 4}.get(key & 7)
            if wire in (0, 2):
                file.seek(begin)
                number, after = _varint(file.read(10), begin)
                begin, length = (begin, after - begin) if wire == 0 else (after, number)
            if not key >> 3 or length is None or begin > end:
                break
            fields.append(Entry(key >> 3, wire, begin, min(begin + length, end)))
            position = begin + length
    return fields


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """The number of seven bits a byte that `data` begins with, and the position behind it; 0 where there is none."""
    value = 0
    for i, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, position + i + 1
    return 0, position
