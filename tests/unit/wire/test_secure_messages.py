"""Messages of secure aggregation come back as they were; so do the errors of a round."""

import numpy as np
import pytest

from heronry.types import errors
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind
from heronry.types.errors import InvalidArgumentError, RoundAbandonedError
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
from heronry.wire import secure as wire
from heronry.wire.status import error_from_status, error_to_status

KEYS = AdvertisedKeys(b"s" * 32, b"m" * 32)
VERSION = ParameterVersion(2, 7, b"h" * 32, b"p" * 32)
MESSAGES = {
    "keys": (KEYS, wire.keys_to_proto, wire.keys_from_proto),
    "roster": (Roster({"ada": KEYS, "bob": KEYS}), wire.roster_to_proto, wire.roster_from_proto),
    "shares": (SealedShares(b"d" * 32, {"bob": b"x" * 148}), wire.shares_to_proto, wire.shares_from_proto),
    "relayed": (RelayedShares(("ada", "bob"), {"bob": b"x"}), wire.relayed_to_proto, wire.relayed_from_proto),
    "unmask": (UnmaskRequest(("ada",), ("bob", "eve")), wire.unmask_to_proto, wire.unmask_from_proto),
    "revealed": (RevealedShares({"ada": b"1"}, {"bob": b"2"}), wire.revealed_to_proto, wire.revealed_from_proto),
}


def _parameters() -> RoundParameters:
    return RoundParameters.opened(
        ["bob", "ada", "eve"],
        num_parameters=5,
        grid_step=2.0**-16,
        clipping_norm=1.5,
        noise_multiplier=0.7,
        min_survivors=2,
    )


@pytest.mark.parametrize("case", MESSAGES.values(), ids=MESSAGES)
def test_messages_come_back_as_they_were(case) -> None:
    message, to_proto, from_proto = case

    sent = to_proto(message)

    assert from_proto(type(sent).FromString(sent.SerializeToString())) == message


def test_a_round_comes_back_with_the_parameters_that_all_its_keys_are_bound_to() -> None:
    parameters = _parameters()

    round_id, base, received = wire.round_from_proto(wire.round_to_proto(3, VERSION, parameters))

    assert (round_id, base, received) == (3, VERSION, parameters)
    assert received.digest() == parameters.digest()


def test_parameters_that_no_round_can_have_are_refused() -> None:
    message = wire.round_to_proto(3, VERSION, _parameters())
    message.min_survivors = 1

    with pytest.raises(InvalidArgumentError, match="more than half of 3 members"):
        wire.round_from_proto(message)


def test_a_masked_input_travels_as_little_endian_words() -> None:
    masked = MaskedInput(np.array([1, 2**32 - 1, 0x01020304], np.uint32))

    packed = wire.words_to_bytes(masked)

    assert packed.tobytes() == bytes([1, 0, 0, 0, 255, 255, 255, 255, 4, 3, 2, 1])
    np.testing.assert_array_equal(wire.words_from_bytes(packed).words, masked.words)


def test_a_header_is_that_of_a_difference() -> None:
    header = ContributionHeader("policy", "ada", "", VERSION, ContributionKind.DELTA, fencing_token=9)

    assert wire.secure_header_from_proto(wire.secure_header_to_proto(header)) == header


def test_a_result_comes_back_as_a_contribution_that_was_counted() -> None:
    answer = Acknowledgement(AcknowledgementLevel.DISK, True, 3, True, VERSION, 0)

    assert wire.result_from_proto(wire.result_to_proto(answer, 4)) == answer


@pytest.mark.parametrize(
    "kind",
    [
        errors.MalformedMessageError,
        errors.RepeatedMessageError,
        errors.RoundAbandonedError,
        errors.StrangerError,
        errors.UnexpectedMessageError,
        errors.UnmaskRefusedError,
        errors.UnsoundRoundError,
    ],
)
def test_the_errors_of_a_round_are_the_same_class_at_the_other_end(kind: type[errors.HeronryError]) -> None:
    error = kind("why", details={"step": "here"})

    received = error_from_status(error_to_status(error))

    assert type(received) is kind
    assert (received.message, received.details) == ("why", {"step": "here"})


def test_why_a_round_was_abandoned_is_told_in_figures() -> None:
    error = RoundAbandonedError.of("collecting keys", "2 clients are left", {"clients": 2})

    assert error_from_status(error_to_status(error)).details == {"step": "collecting keys", "clients": "2"}
