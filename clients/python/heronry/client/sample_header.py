"""What a reader asks for, checked."""

import math
from collections.abc import Mapping, Sequence

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.client.arguments import check_count, check_name
from heronry.types.errors import InvalidArgumentError

Tables = str | Mapping[str, float]


def sample_header(
    tables: Tables,
    batch_size: int,
    columns: Sequence[str],
    *,
    independent: bool = False,
    without_replacement: bool = False,
) -> pb.SampleHeader:
    """Return the message that opens a reader of one table, or of several by weight.

    Raises:
      InvalidArgumentError: names the argument that cannot be.
    """
    check_count("batch_size", batch_size)
    _check_columns(columns)
    header = pb.SampleHeader(
        batch_size=batch_size, columns=columns, independent=independent, without_replacement=without_replacement
    )
    if isinstance(tables, Mapping):
        header.shares.extend(_shares(tables))
    else:
        check_name("table", tables)
        header.table = tables
    return header


def _shares(tables: Mapping[str, float]) -> list[pb.TableShare]:
    if not tables:
        raise InvalidArgumentError.of("table", {}, "a name, or names with their weights")
    for table, weight in tables.items():
        check_name("table", table)
        is_number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
        if not is_number or not 0 < weight < math.inf:
            raise InvalidArgumentError.of(f"table[{table!r}]", weight, "a weight above 0, finite")
    return [pb.TableShare(table=table, weight=weight) for table, weight in tables.items()]


def _check_columns(columns: Sequence[str]) -> None:
    # A single name is a sequence of letters.
    if isinstance(columns, str) or not all(isinstance(name, str) for name in columns):
        raise InvalidArgumentError.of("columns", columns, "a sequence of names")
