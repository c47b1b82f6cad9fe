"""Message classes from the .proto files themselves, without a compiler: what they say is enough."""

import re
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "stratalog.v1"
FIELD = re.compile(r"(?:(optional|repeated)\s+)?([\w.]+)\s+(\w+)\s*=\s*(\d+)\s*;")
OPENING = re.compile(r"(message|enum|oneof|service)\s+(\w+)\s*\{\s*(\})?")
ENUM_VALUE = re.compile(r"(\w+)\s*=\s*(\d+)\s*;")


def load(paths):
    """The classes of all messages by name. Knows the part of the language that our files use."""
    file = descriptor_pb2.FileDescriptorProto(name="all.proto", package=PACKAGE, syntax="proto3")
    for path in paths:
        with open(path, encoding="utf-8") as source:
            _read(file, source)
    enums = {enum.name for enum in file.enum_type}
    for message in file.message_type:
        _name_types(message, enums)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = [message.name for message in file.message_type]
    descriptors = {name: pool.FindMessageTypeByName(f"{PACKAGE}.{name}") for name in names}
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(descriptor) for name, descriptor in descriptors.items()}


def _read(file, source):
    blocks = []
    for line in source:
        line = line.split("//")[0].strip()
        opening = OPENING.match(line)
        if opening:
            block = _open(file, blocks, opening.group(1), opening.group(2))
            if opening.group(3) is None:
                blocks.append(block)
        elif line == "}":
            blocks.pop()
        elif blocks and blocks[-1][0] == "enum" and ENUM_VALUE.match(line):
            name, number = ENUM_VALUE.match(line).groups()
            blocks[-1][1].value.add(name=name, number=int(number))
        elif blocks and blocks[-1][0] in ("message", "oneof") and FIELD.match(line):
            _add_field(blocks, FIELD.match(line))


def _open(file, blocks, kind, name):
    if kind == "message":
        return (kind, file.message_type.add(name=name))
    if kind == "enum":
        return (kind, file.enum_type.add(name=name))
    if kind == "oneof":
        blocks[-1][1].oneof_decl.add(name=name)
    return (kind, blocks[-1][1] if blocks else None)


def _add_field(blocks, match):
    label, type_name, name, number = match.groups()
    kind, message = blocks[-1]
    field = message.field.add(name=name, number=int(number))
    field.label = field.LABEL_REPEATED if label == "repeated" else field.LABEL_OPTIONAL
    scalar = getattr(field, f"TYPE_{type_name.upper()}", None)
    if scalar is None:
        field.type_name = type_name
    else:
        field.type = scalar
    if kind == "oneof":
        field.oneof_index = len(message.oneof_decl) - 1
    if label == "optional":
        field.proto3_optional = True


def _name_types(message, enums):
    for field in message.field:
        if field.type_name:
            field.type = field.TYPE_ENUM if field.type_name in enums else field.TYPE_MESSAGE
            field.type_name = f".{PACKAGE}.{field.type_name}"
    # An optional field is a oneof of its own, after all real ones.
    for field in message.field:
        if field.proto3_optional:
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{field.name}")
