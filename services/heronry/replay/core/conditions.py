"""What waiting callers of a table wait for."""

import enum


class Condition(enum.Enum):
    """Something that may have changed in a caller's favour."""

    CAN_INSERT = "can_insert"
    CAN_SAMPLE = "can_sample"


INSERTABLE = frozenset({Condition.CAN_INSERT})
SAMPLEABLE = frozenset({Condition.CAN_SAMPLE})
EITHER = INSERTABLE | SAMPLEABLE
