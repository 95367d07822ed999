"""Messages of secure aggregation, in both directions.

What a message holds is checked by the sessions, which know the round.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.api.params.v1 import secure_pb2 as pb
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind
from heronry.types.experience import AcknowledgementLevel
from heronry.types.secure_messages import (
    AdvertisedKeys,
    MaskedInput,
    RelayedShares,
    RevealedShares,
    Roster,
    SealedShares,
    UnmaskRequest,
)
from heronry.types.secure_rounds import RoundParameters
from heronry.types.version import ParameterVersion
from heronry.wire.levels import level_from_proto, level_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto

WORD: Final = np.dtype("<u4")


def secure_header_to_proto(header: ContributionHeader) -> pb.SumSecurelyHeader:
    """Return the message that opens a client's part."""
    return pb.SumSecurelyHeader(
        model=header.model,
        client_id=header.client_id,
        fencing_token=header.fencing_token,
        base_version=version_to_proto(header.base_version),
    )


def secure_header_from_proto(message: pb.SumSecurelyHeader) -> ContributionHeader:
    """Return what a client says of its contribution: a difference, without a request id."""
    base = version_from_proto(message.base_version)
    return ContributionHeader(
        message.model,
        message.client_id,
        "",
        base,
        ContributionKind.DELTA,
        fencing_token=message.fencing_token,
    )


def round_to_proto(round_id: int, base: ParameterVersion, parameters: RoundParameters) -> pb.SecureRound:
    """Return the message that opens a round."""
    return pb.SecureRound(
        round_id=round_id,
        base_version=version_to_proto(base),
        nonce=parameters.nonce,
        members=parameters.members,
        num_parameters=parameters.num_parameters,
        grid_step=parameters.grid_step,
        clipping_norm=parameters.clipping_norm,
        noise_multiplier=parameters.noise_multiplier,
        min_survivors=parameters.min_survivors,
        modulus_bits=parameters.modulus_bits,
    )


def round_from_proto(message: pb.SecureRound) -> tuple[int, ParameterVersion, RoundParameters]:
    """Return the round's id, the version it moves and its parameters.

    Raises:
      InvalidArgumentError: parameters that no round can have.
    """
    parameters = RoundParameters(
        nonce=message.nonce,
        members=tuple(message.members),
        num_parameters=message.num_parameters,
        grid_step=message.grid_step,
        clipping_norm=message.clipping_norm,
        noise_multiplier=message.noise_multiplier,
        min_survivors=message.min_survivors,
        modulus_bits=message.modulus_bits,
    )
    return message.round_id, version_from_proto(message.base_version), parameters


def keys_to_proto(keys: AdvertisedKeys) -> pb.SecureKeys:
    """Return the message of a member's public keys."""
    return pb.SecureKeys(sealing_key=keys.sealing_key, mask_key=keys.mask_key)


def keys_from_proto(message: pb.SecureKeys) -> AdvertisedKeys:
    """Return a member's public keys."""
    return AdvertisedKeys(message.sealing_key, message.mask_key)


def roster_to_proto(roster: Roster) -> pb.SecureRoster:
    """Return the message of all members' keys."""
    return pb.SecureRoster(keys={member: keys_to_proto(keys) for member, keys in roster.keys.items()})


def roster_from_proto(message: pb.SecureRoster) -> Roster:
    """Return all members' keys."""
    return Roster({member: keys_from_proto(keys) for member, keys in message.keys.items()})


def shares_to_proto(shares: SealedShares) -> pb.SealedShares:
    """Return the message of a member's shares."""
    return pb.SealedShares(seed_digest=shares.seed_digest, sealed=shares.sealed)


def shares_from_proto(message: pb.SealedShares) -> SealedShares:
    """Return a member's shares."""
    return SealedShares(message.seed_digest, dict(message.sealed))


def relayed_to_proto(relayed: RelayedShares) -> pb.RelayedShares:
    """Return the message of the others' shares."""
    return pb.RelayedShares(sharers=relayed.sharers, sealed=relayed.sealed)


def relayed_from_proto(message: pb.RelayedShares) -> RelayedShares:
    """Return the others' shares."""
    return RelayedShares(tuple(message.sharers), dict(message.sealed))


def unmask_to_proto(request: UnmaskRequest) -> pb.UnmaskRequest:
    """Return the message that asks for shares."""
    return pb.UnmaskRequest(survivors=request.survivors, dropped=request.dropped)


def unmask_from_proto(message: pb.UnmaskRequest) -> UnmaskRequest:
    """Return whose shares are asked for."""
    return UnmaskRequest(tuple(message.survivors), tuple(message.dropped))


def revealed_to_proto(revealed: RevealedShares) -> pb.RevealedShares:
    """Return the message that reveals shares."""
    return pb.RevealedShares(seed_shares=revealed.seed_shares, key_shares=revealed.key_shares)


def revealed_from_proto(message: pb.RevealedShares) -> RevealedShares:
    """Return the shares that a survivor reveals."""
    return RevealedShares(dict(message.seed_shares), dict(message.key_shares))


def result_to_proto(answer: Acknowledgement, num_survivors: int) -> pb.SecureResult:
    """Return the message that ends a released round."""
    return pb.SecureResult(
        round_id=answer.round_id,
        version=version_to_proto(answer.version),
        level=level_to_proto(answer.level),
        num_survivors=num_survivors,
    )


def result_from_proto(message: pb.SecureResult) -> Acknowledgement:
    """Return the answer to a contribution that is in a released sum."""
    return Acknowledgement(
        level=level_from_proto(message.level, default=AcknowledgementLevel.MEMORY),
        counted=True,
        round_id=message.round_id,
        closed_round=True,
        version=version_from_proto(message.version),
        staleness=0,
    )


def words_to_bytes(masked: MaskedInput) -> npt.NDArray[np.uint8]:
    """Return a masked input as it travels in chunks; a view where the machine is little-endian."""
    return masked.words.astype(WORD, copy=False).view(np.uint8)


def words_from_bytes(packed: npt.NDArray[np.uint8]) -> MaskedInput:
    """Return the masked input that came in chunks, of four bytes a parameter; a view likewise."""
    return MaskedInput(packed.view(WORD).astype(np.uint32, copy=False))
