"""The claim of a private model, and the state of its mechanism, as JSON documents."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Final, TypeVar

from heronry.params.core.durability.documents import Document, as_float, as_int, as_list, as_mapping, as_text
from heronry.params.core.private.state import PrivateState
from heronry.privacy.ledger import Head
from heronry.types.errors import DataLossError
from heronry.types.privacy import (
    BandedFactorisation,
    BufferedFactorisation,
    Clipping,
    CorrelatedNoise,
    DistributedNoise,
    Factorisation,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    Noise,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
    QuantileClipping,
    TreeFactorisation,
)

T = TypeVar("T")

_CLIPS: Final[tuple[Callable[..., Clipping], ...]] = (FixedClip, QuantileClipping)
_NOISES: Final[tuple[Callable[..., Noise], ...]] = (IndependentNoise, CorrelatedNoise, DistributedNoise)
_FACTORISATIONS: Final[tuple[Callable[..., Factorisation], ...]] = (
    BandedFactorisation,
    BufferedFactorisation,
    TreeFactorisation,
)


def privacy_to_document(privacy: PrivacySettings) -> Document:
    """Describe a claim: each choice under the name of its class, with its figures."""
    return {
        "unit": privacy.unit.value,
        "relation": privacy.relation.value,
        "population": privacy.population,
        "delta": privacy.delta,
        "epsilon_limit": privacy.epsilon_limit,
        "clip": {"kind": type(privacy.clip).__name__, **asdict(privacy.clip)},
        "noise": _noise_to_document(privacy.noise),
    }


def privacy_from_document(document: object) -> PrivacySettings:
    """Read a claim back.

    Raises:
      DataLossError: it is not of this format.
    """
    fields = as_mapping(document)
    return PrivacySettings(
        unit=PrivacyUnit(as_text(fields["unit"])),
        relation=NeighbourRelation(as_text(fields["relation"])),
        population=as_int(fields["population"]),
        delta=as_float(fields["delta"]),
        epsilon_limit=as_float(fields["epsilon_limit"]),
        clip=_choice(fields["clip"], _CLIPS),
        noise=_noise_from_document(fields["noise"]),
    )


def _noise_to_document(noise: Noise) -> Document:
    fields: Document = {"kind": type(noise).__name__, **asdict(noise)}
    if isinstance(noise, IndependentNoise):
        fields["sampler"] = noise.sampler.value
    elif isinstance(noise, CorrelatedNoise):
        fields["factorisation"] = {"kind": type(noise.factorisation).__name__, **asdict(noise.factorisation)}
    return fields


def _noise_from_document(document: object) -> Noise:
    fields = dict(as_mapping(document))
    if "sampler" in fields:
        fields["sampler"] = NoiseSampler(as_text(fields["sampler"]))
    if "factorisation" in fields:
        fields["factorisation"] = _choice(fields["factorisation"], _FACTORISATIONS)
    return _choice(fields, _NOISES)


def _choice(document: object, choices: tuple[Callable[..., T], ...]) -> T:
    fields = dict(as_mapping(document))
    kind = as_text(fields.pop("kind"))
    for choice in choices:
        if choice.__name__ == kind:
            return choice(**fields)
    raise DataLossError(f"a document holds the choice {kind!r}, which is unknown")


def private_state_to_document(state: PrivateState) -> Document:
    """Describe a mechanism's state; the horizon's key is sealed."""
    return {
        "clipping_norm": state.clipping_norm,
        "horizon": state.horizon,
        "release": state.release,
        "sealed_keys": [{"first_row": first_row, "key": key.hex()} for first_row, key in state.sealed_keys],
        "strategy": None if state.strategy is None else dict(state.strategy),
        "ledger_sequence": state.ledger_sequence,
        "ledger_digest": state.ledger_digest.hex(),
    }


def private_state_from_document(document: object) -> PrivateState:
    """Read a mechanism's state back."""
    fields = as_mapping(document)
    return PrivateState(
        clipping_norm=as_float(fields["clipping_norm"]),
        horizon=as_int(fields["horizon"]),
        release=as_int(fields["release"]),
        sealed_keys=tuple(_sealed_key(as_mapping(key)) for key in as_list(fields["sealed_keys"])),
        strategy=None if fields["strategy"] is None else as_mapping(fields["strategy"]),
        ledger_sequence=as_int(fields["ledger_sequence"]),
        ledger_digest=bytes.fromhex(as_text(fields["ledger_digest"])),
    )


def head_to_document(head: Head | None) -> Document | None:
    """Describe the ledger's head; None where there is no ledger."""
    return None if head is None else {"sequence": head.sequence, "digest": head.digest.hex()}


def head_from_document(document: object) -> Head | None:
    """Read a ledger's head back."""
    if document is None:
        return None
    fields = as_mapping(document)
    return Head(as_int(fields["sequence"]), bytes.fromhex(as_text(fields["digest"])))


def _sealed_key(document: Mapping[str, object]) -> tuple[int, bytes]:
    return as_int(document["first_row"]), bytes.fromhex(as_text(document["key"]))
