"""Message classes from field numbers, of formats whose own packages would bring a whole framework along."""

from __future__ import annotations

from collections.abc import Mapping

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
