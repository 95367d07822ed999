"""A table's definition as text, to be kept beside its steps."""

from google.protobuf import json_format

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.errors import DataLossError
from heronry.types.tables import TableDefinition
from heronry.wire.tables import table_definition_from_proto, table_definition_to_proto


def definition_to_text(definition: TableDefinition) -> str:
    """Return the definition as the JSON of its message, as `grpcurl` shows it."""
    return json_format.MessageToJson(table_definition_to_proto(definition), indent=None)


def definition_from_text(text: str | bytes) -> TableDefinition:
    """Return the definition that a text holds.

    Raises:
      DataLossError: it holds none.
    """
    try:
        return table_definition_from_proto(json_format.Parse(text, pb.TableDefinition()))
    except json_format.ParseError as error:
        raise DataLossError(f"the file's table definition cannot be read: {error}") from error
