"""What is told when shards have parted for good."""

from typing import Final

from heronry.types.errors import DataLossError

HOW_TO_RECOVER: Final = (
    "delete the model at every shard and register it again with a version that was exported or pulled"
)


def lost(model: str, reason: str) -> DataLossError:
    """Return the error of shards that can no longer have the same versions."""
    return DataLossError(f"model {model!r}: {reason}; to recover, {HOW_TO_RECOVER}", details={"model": model})
