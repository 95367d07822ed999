"""Events and their JSON documents: a fixed list of classes, so that a file can name no code."""

from collections.abc import Iterator, Mapping
from typing import Final, cast

from heronry.privacy.accounting.event_fields import CHECKS, FIELDS, FieldKind
from heronry.privacy.accounting.library import DpEvent, load_library
from heronry.privacy.accounting.skellam import SkellamDpEvent
from heronry.types.errors import InvalidArgumentError

Event = DpEvent | SkellamDpEvent
_DEEPEST: Final = 8
_CLASS: Final = "class"


def event_to_document(event: Event) -> dict[str, object]:
    """Return an event as JSON values: its class's name, its fields.

    Raises:
      InvalidArgumentError: a class that is not on the list, or a field outside its range.
    """
    return _to_document(event, 0)


def event_from_document(document: Mapping[str, object]) -> Event:
    """Return the event that a document describes.

    Raises:
      InvalidArgumentError: an unknown class, an unknown or missing field, a value outside its range.
    """
    return _from_document(document, 0)


def new_event(name: str, **fields: object) -> Event:
    """Return an event of a class by its name; its fields are checked."""
    checked = {field: _checked(name, field, kind, fields[field]) for field, kind in FIELDS[name].items()}
    _check_sizes(checked)
    return cast("Event", _class_of(name)(**checked))


def gaussian(noise_multiplier: float) -> Event:
    """Return one Gaussian release, its noise relative to the bound of one unit's contribution."""
    return new_event("GaussianDpEvent", noise_multiplier=noise_multiplier)


def repeated(event: Event, count: int) -> Event:
    """Return `count` releases of one kind."""
    return event if count == 1 else new_event("SelfComposedDpEvent", event=event, count=count)


def leaves_of(event: Event, count: int = 1) -> Iterator[tuple[Event, int]]:
    """Yield the mechanisms of a composition and how often each of them ran; they can be hashed.

    Raises:
      InvalidArgumentError: a class that is not on the list.
    """
    name = name_of(event)
    if name == "SelfComposedDpEvent":
        yield from leaves_of(cast("Event", field_of(event, "event")), count * cast("int", field_of(event, "count")))
    elif name == "ComposedDpEvent":
        for part in cast("list[Event]", field_of(event, "events")):
            yield from leaves_of(part, count)
    else:
        yield event, count


def name_of(event: Event) -> str:
    """Return the name of an event's class.

    Raises:
      InvalidArgumentError: it is not on the list.
    """
    name = type(event).__name__
    if name not in FIELDS or type(event) is not _class_of(name):
        raise InvalidArgumentError.of("event", name, _names())
    return name


def field_of(event: Event, field: str) -> object:
    """Return a field of an event."""
    return cast("object", getattr(event, field))


def real_of(event: Event, field: str) -> float:
    """Return a field that is a number."""
    return cast("float", getattr(event, field))


def _to_document(event: Event, depth: int) -> dict[str, object]:
    name = name_of(event)
    _check_depth(depth)
    document: dict[str, object] = {_CLASS: name}
    for field, kind in FIELDS[name].items():
        value = _checked(name, field, kind, field_of(event, field))
        document[field] = _part_to_document(kind, value, depth + 1)
    _check_sizes(document)
    return document


def _part_to_document(kind: FieldKind, value: object, depth: int) -> object:
    if kind is FieldKind.EVENTS:
        return [_to_document(part, depth) for part in cast("list[Event]", value)]
    return _to_document(cast("Event", value), depth) if kind.is_event else value


def _from_document(document: object, depth: int) -> Event:
    if not isinstance(document, Mapping):
        raise InvalidArgumentError.of("event", document, "an object")
    _check_depth(depth)
    name = document.get(_CLASS)
    if not isinstance(name, str) or name not in FIELDS:
        raise InvalidArgumentError.of("event.class", name, _names())
    kinds = FIELDS[name]
    if set(document) != {_CLASS, *kinds}:
        raise InvalidArgumentError.of(f"event.{name}", sorted(map(str, document)), ", ".join((_CLASS, *kinds)))
    return new_event(name, **{field: _part_from(kind, document[field], depth + 1) for field, kind in kinds.items()})


def _part_from(kind: FieldKind, value: object, depth: int) -> object:
    if kind is FieldKind.EVENTS:
        return [_from_document(part, depth) for part in value] if isinstance(value, list) else value
    return _from_document(value, depth) if kind.is_event else value


def _checked(name: str, field: str, kind: FieldKind, value: object) -> object:
    """Return a field's value in the type that accountants expect: whole numbers as floats would be refused there."""
    path = f"event.{name}.{field}"
    if kind is FieldKind.EVENTS:
        if not isinstance(value, list) or not value:
            raise InvalidArgumentError.of(path, value, "a list of events, one at least")
        return value
    if kind is FieldKind.EVENT:
        return value
    if kind is FieldKind.GAUSSIAN:
        if name_of(cast("Event", value)) != "GaussianDpEvent":
            raise InvalidArgumentError.of(path, type(value).__name__, "GaussianDpEvent")
        return value
    return CHECKS[kind](path, value)


def _check_sizes(fields: Mapping[str, object]) -> None:
    """Refuse a sample that is larger than what it is drawn from."""
    for part, whole in (("sample_size", "source_dataset_size"), ("truncated_batch_size", "dataset_size")):
        if part in fields and cast("int", fields[part]) > cast("int", fields[whole]):
            raise InvalidArgumentError.of(f"event.{part}", fields[part], f"at most {fields[whole]} ({whole})")


def _check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise InvalidArgumentError.of("event", "nested deeper", f"at most {_DEEPEST} levels")


def _class_of(name: str) -> type:
    if name == SkellamDpEvent.__name__:
        return SkellamDpEvent
    return cast("type", getattr(load_library("dp_accounting.dp_event"), name))


def _names() -> str:
    return ", ".join(FIELDS)
