"""Models, versions and workers as plain values that JSON can carry."""

import re
from collections.abc import Sequence
from dataclasses import fields as fields_of
from datetime import UTC, datetime
from enum import Enum

from heronry.types.consistency import BufferedAsynchronous, Consistency, SynchronousRounds
from heronry.types.models import ModelInfo, ModelSettings, VersionInfo, WorkerInfo
from heronry.types.tensors import TensorSpec
from heronry.types.version import ParameterVersion

_MODES = {SynchronousRounds: "synchronous", BufferedAsynchronous: "buffered"}
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


def model_fields(info: ModelInfo) -> dict[str, object]:
    """Return all that is known of a model."""
    return {
        "model": info.model,
        "version": version_fields(info.version),
        "bytes": info.num_bytes,
        "round": info.round_id,
        "pending": info.num_pending,
        "cohort": info.cohort_size,
        "round_remaining_s": info.round_remaining_s,
        "accepted": info.num_accepted,
        "refused": info.num_refused,
        "refusals": dict(info.refusals),
        "bytes_received": info.num_bytes_received,
        "bytes_sent": info.num_bytes_sent,
        "staleness": [
            {"from": low, "to": high, "contributions": count}
            for (low, high), count in zip(_bounds(len(info.staleness_histogram)), info.staleness_histogram, strict=True)
        ],
        "settings": settings_fields(info.settings),
        "tensors": {tensor.name: _tensor(tensor) for tensor in info.schema.tensors},
    }


def settings_fields(settings: ModelSettings) -> dict[str, object]:
    """Return a model's settings by their own names."""
    rule = settings.aggregation.rule
    return {
        "consistency": {"mode": mode_of(settings.consistency), **figures_of(settings.consistency)},
        "aggregation": {"rule": kind_of(rule), **figures_of(rule), **figures_of(settings.aggregation)},
        "optimizer": {"kind": kind_of(settings.optimizer), **figures_of(settings.optimizer)},
        "group_optimizers": {
            group: {"kind": kind_of(one), **figures_of(one)} for group, one in sorted(settings.group_optimizers.items())
        },
        "limits": figures_of(settings.limits),
        "acknowledgement": settings.acknowledgement.value,
        "needs_lease": settings.needs_lease,
        "versions_kept": settings.num_versions_kept,
        "shard": None if settings.shard is None else figures_of(settings.shard),
    }


def version_fields(version: ParameterVersion) -> dict[str, object]:
    """Return a version's name."""
    return {"epoch": version.epoch, "number": version.number, "hash": version.content_hash.hex()}


def version_info_fields(info: VersionInfo) -> dict[str, object]:
    """Return a version that can be pulled."""
    published = datetime.fromtimestamp(info.publish_time_s, UTC).isoformat(timespec="milliseconds")
    return {**version_fields(info.version), "published": published, "tags": list(info.tags)}


def worker_fields(info: WorkerInfo) -> dict[str, object]:
    """Return a worker under the names that the table has."""
    return {
        "worker": info.client_id,
        "incarnation": info.incarnation,
        "lease_s": round(info.lease_remaining_s, 3),
        "accepted": info.num_accepted,
        "refused": info.num_refused,
        "last_staleness": info.last_staleness,
        "mean_staleness": info.mean_staleness,
        "max_staleness": info.max_staleness,
        "invited": info.num_invited,
        "participated": info.num_participated,
        "lead": info.lead,
    }


def mode_of(consistency: Consistency) -> str:
    """Return the mode as the contract calls it: `synchronous`, `stale_synchronous`, `asynchronous`, `buffered`."""
    return _MODES.get(type(consistency)) or kind_of(consistency)


def kind_of(setting: object) -> str:
    """Return a setting's class as it is written in settings: `SgdOptimizer` is `sgd`, `TrimmedMean` `trimmed_mean`."""
    return _HUMP.sub("_", type(setting).__name__.removesuffix("Optimizer")).lower()


def figures_of(setting: object) -> dict[str, object]:
    """Return the figures of a setting; the parts that are settings themselves are left out."""
    found = {field.name: getattr(setting, field.name) for field in fields_of(setting)}  # type: ignore[arg-type]  # all settings are dataclasses
    plain = {name: value.value if isinstance(value, Enum) else value for name, value in found.items()}
    return {
        name: value for name, value in plain.items() if value is None or isinstance(value, bool | int | float | str)
    }


def workers_wanting(info: ModelInfo, workers: Sequence[WorkerInfo]) -> dict[str, int] | None:
    """Return how many workers with a lease a synchronous model has and needs before a round opens; None: it is open."""
    settings, shard = info.settings.consistency, info.settings.shard
    follows = shard is not None and shard.index > 0
    if not isinstance(settings, SynchronousRounds) or follows or info.round_remaining_s is not None:
        return None
    # Workers enough are waited for once; after that whoever comes is drawn.
    has_drawn = info.num_pending > 0 or info.cohort_size > 0 or any(worker.num_invited for worker in workers)
    have = sum(worker.lease_remaining_s > 0 for worker in workers)
    return {"have": have, "need": 1 if has_drawn else settings.workers_needed}


def shown_value(value: object) -> str:
    """Return a figure as people read it, with all its digits: no `30.0`, and `-` for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _bounds(num_buckets: int) -> list[tuple[int, int]]:
    """Return the staleness that each bucket counts: 0, 1, 2 to 3, 4 to 7 and so on."""
    return [(0, 0), *((1 << k, (2 << k) - 1) for k in range(num_buckets - 1))][:num_buckets]


def _tensor(tensor: TensorSpec) -> list[object]:
    return [tensor.element_type.name.lower(), list(tensor.shape), tensor.role.value]
