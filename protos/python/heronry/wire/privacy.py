"""Privacy claims ⇄ messages. Nothing has a default: what a message leaves out is refused."""

import enum
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar, assert_never

from heronry.api.params.v1 import privacy_pb2 as pb
from heronry.types.errors import InvalidArgumentError
from heronry.types.privacy import (
    BandedFactorisation,
    BufferedFactorisation,
    ClientSpending,
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
    PrivacyStatus,
    PrivacyUnit,
    QuantileClipping,
    TreeFactorisation,
)

_Choice = TypeVar("_Choice", bound=enum.Enum)
_Number = TypeVar("_Number", bound=int)

_UNITS: Final = {
    pb.PRIVACY_UNIT_CLIENT: PrivacyUnit.CLIENT,
    pb.PRIVACY_UNIT_EPISODE: PrivacyUnit.EPISODE,
}
_RELATIONS: Final = {
    pb.NEIGHBOUR_RELATION_ADD_OR_REMOVE_ONE: NeighbourRelation.ADD_OR_REMOVE_ONE,
    pb.NEIGHBOUR_RELATION_REPLACE_ONE: NeighbourRelation.REPLACE_ONE,
    pb.NEIGHBOUR_RELATION_ZERO_OUT_ONE: NeighbourRelation.ZERO_OUT_ONE,
}
_SAMPLERS: Final = {
    pb.NOISE_SAMPLER_ROUNDED_GAUSSIAN: NoiseSampler.ROUNDED_GAUSSIAN,
    pb.NOISE_SAMPLER_DISCRETE_GAUSSIAN: NoiseSampler.DISCRETE_GAUSSIAN,
}
_UNIT_NUMBERS: Final = {unit: number for number, unit in _UNITS.items()}
_RELATION_NUMBERS: Final = {relation: number for number, relation in _RELATIONS.items()}
_SAMPLER_NUMBERS: Final = {sampler: number for number, sampler in _SAMPLERS.items()}


def privacy_to_proto(privacy: PrivacySettings) -> pb.PrivacySettings:
    """Encode a claim."""
    message = pb.PrivacySettings(
        unit=_UNIT_NUMBERS[privacy.unit],
        relation=_RELATION_NUMBERS[privacy.relation],
        population=privacy.population,
        delta=privacy.delta,
        epsilon_limit=privacy.epsilon_limit,
    )
    _put_clip(message, privacy.clip)
    _put_noise(message, privacy.noise)
    return message


def privacy_from_proto(message: pb.PrivacySettings) -> PrivacySettings:
    """Decode a claim.

    Raises:
      InvalidArgumentError: something was left out, or is out of range.
    """
    return PrivacySettings(
        unit=_chosen("privacy.unit", _UNITS, message.unit),
        relation=_chosen("privacy.relation", _RELATIONS, message.relation),
        population=message.population,
        delta=message.delta,
        epsilon_limit=message.epsilon_limit,
        clip=_clip_in(message),
        noise=_noise_in(message),
    )


def privacy_status_to_proto(status: PrivacyStatus, clients: Iterable[ClientSpending]) -> pb.GetPrivacyStatusResponse:
    """Encode what is claimed and what has been spent."""
    return pb.GetPrivacyStatusResponse(
        has_claim=status.has_claim,
        statement=status.statement,
        epsilon_spent=status.epsilon_spent,
        delta=status.delta,
        is_void=status.is_void,
        mechanism=status.mechanism,
        unit=None if status.unit is None else _UNIT_NUMBERS[status.unit],
        relation=None if status.relation is None else _RELATION_NUMBERS[status.relation],
        epsilon_limit=status.epsilon_limit,
        epsilon_after=status.epsilon_after,
        accountant=status.accountant,
        num_releases=status.num_releases,
        clipping_norm=status.clipping_norm,
        noise_multiplier=status.noise_multiplier,
        ledger_sequence=status.ledger_sequence,
        ledger_digest=status.ledger_digest,
        clients=[_spending_to_proto(client) for client in clients],
    )


def privacy_status_from_proto(message: pb.GetPrivacyStatusResponse) -> PrivacyStatus:
    """Decode what is claimed and what has been spent."""
    return PrivacyStatus(
        has_claim=message.has_claim,
        statement=message.statement,
        is_void=message.is_void,
        mechanism=message.mechanism,
        unit=_UNITS.get(message.unit),
        relation=_RELATIONS.get(message.relation),
        delta=message.delta,
        epsilon_limit=message.epsilon_limit,
        epsilon_spent=message.epsilon_spent,
        epsilon_after=message.epsilon_after,
        accountant=message.accountant,
        num_releases=message.num_releases,
        clipping_norm=message.clipping_norm,
        noise_multiplier=message.noise_multiplier,
        ledger_sequence=message.ledger_sequence,
        ledger_digest=message.ledger_digest,
    )


def spendings_from_proto(message: pb.GetPrivacyStatusResponse) -> list[ClientSpending]:
    """Decode what each client has spent."""
    return [
        ClientSpending(client.client_id, client.num_participations, client.last_release, client.epsilon_spent)
        for client in message.clients
    ]


def _spending_to_proto(client: ClientSpending) -> pb.ClientSpending:
    return pb.ClientSpending(
        client_id=client.client_id,
        num_participations=client.num_participations,
        last_release=client.last_release,
        epsilon_spent=client.epsilon_spent,
    )


def _put_clip(message: pb.PrivacySettings, clip: Clipping) -> None:
    if isinstance(clip, FixedClip):
        message.fixed_clip.norm = clip.norm
    elif isinstance(clip, QuantileClipping):
        message.quantile_clip.initial_norm = clip.initial_norm
        message.quantile_clip.quantile = clip.quantile
        message.quantile_clip.learning_rate = clip.learning_rate
        message.quantile_clip.count_noise = clip.count_noise
    else:
        assert_never(clip)


def _clip_in(message: pb.PrivacySettings) -> Clipping:
    kind = message.WhichOneof("clip")
    if kind == "fixed_clip":
        return FixedClip(message.fixed_clip.norm)
    if kind == "quantile_clip":
        clip = message.quantile_clip
        return QuantileClipping(clip.initial_norm, clip.quantile, clip.learning_rate, clip.count_noise)
    raise InvalidArgumentError.of("privacy.clip", "nothing", "fixed_clip, quantile_clip")


def _put_noise(message: pb.PrivacySettings, noise: Noise) -> None:
    if isinstance(noise, IndependentNoise):
        message.independent.noise_multiplier = noise.noise_multiplier
        message.independent.sampler = _SAMPLER_NUMBERS[noise.sampler]
        message.independent.is_amplified = noise.is_amplified
    elif isinstance(noise, CorrelatedNoise):
        message.correlated.noise_multiplier = noise.noise_multiplier
        message.correlated.horizon = noise.horizon
        message.correlated.max_participations = noise.max_participations
        message.correlated.min_separation = noise.min_separation
        _put_factorisation(message.correlated, noise.factorisation)
    elif isinstance(noise, DistributedNoise):
        message.distributed.noise_multiplier = noise.noise_multiplier
        message.distributed.min_survivors = noise.min_survivors
    else:
        assert_never(noise)


def _noise_in(message: pb.PrivacySettings) -> Noise:
    kind = message.WhichOneof("noise")
    if kind == "independent":
        independent = message.independent
        sampler = _chosen("privacy.noise.independent.sampler", _SAMPLERS, independent.sampler)
        return IndependentNoise(independent.noise_multiplier, sampler, independent.is_amplified)
    if kind == "correlated":
        correlated = message.correlated
        return CorrelatedNoise(
            correlated.noise_multiplier,
            correlated.horizon,
            correlated.max_participations,
            correlated.min_separation,
            _factorisation_in(correlated),
        )
    if kind == "distributed":
        return DistributedNoise(message.distributed.noise_multiplier, message.distributed.min_survivors)
    raise InvalidArgumentError.of("privacy.noise", "nothing", "independent, correlated, distributed")


def _put_factorisation(message: pb.CorrelatedNoise, factorisation: Factorisation) -> None:
    if isinstance(factorisation, BandedFactorisation):
        message.banded.band = factorisation.band
    elif isinstance(factorisation, BufferedFactorisation):
        message.buffered.num_buffers = factorisation.num_buffers
    elif isinstance(factorisation, TreeFactorisation):
        message.tree.SetInParent()
    else:
        assert_never(factorisation)


def _factorisation_in(message: pb.CorrelatedNoise) -> Factorisation:
    kind = message.WhichOneof("factorisation")
    if kind == "banded":
        return BandedFactorisation(message.banded.band)
    if kind == "buffered":
        return BufferedFactorisation(message.buffered.num_buffers)
    if kind == "tree":
        return TreeFactorisation()
    raise InvalidArgumentError.of("privacy.noise.correlated.factorisation", "nothing", "banded, buffered, tree")


def _chosen(field: str, choices: Mapping[_Number, _Choice], number: _Number) -> _Choice:
    if number not in choices:
        allowed = ", ".join(repr(choice.value) for choice in choices.values())
        raise InvalidArgumentError.of(field, number or "nothing", allowed)
    return choices[number]
