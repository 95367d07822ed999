"""Contributions, rounds and invitations survive the way over the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.api.params.v1 import params_pb2 as pb
from heronry.types.contribution import (
    Acknowledgement,
    ClosedRound,
    ContributionHeader,
    ContributionKind,
    CountedContribution,
    Invitation,
    ParameterCodec,
)
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.optimizers import SgdOptimizer
from heronry.types.version import ParameterVersion
from heronry.wire import contributions as wire

VERSION = ParameterVersion(3, 14, b"\x01" * 32, b"\x02" * 32)
COUNTS = st.integers(0, 2**63)


@given(
    kind=st.sampled_from(ContributionKind),
    codec=st.sampled_from(ParameterCodec),
    count=COUNTS,
    weight=st.floats(0, 1e9),
    token=COUNTS,
    validate_only=st.booleans(),
)
def test_a_header_survives(
    kind: ContributionKind, codec: ParameterCodec, count: int, weight: float, token: int, validate_only: bool
) -> None:
    header = ContributionHeader("policy", "w0", "r1", VERSION, kind, codec, count, weight, 7, token, validate_only)

    assert wire.contribution_header_from_proto(wire.contribution_header_to_proto(header, 12)) == header


def test_a_weight_that_is_absent_is_one() -> None:
    message = wire.contribution_header_to_proto(
        ContributionHeader("policy", "w0", "r1", VERSION, ContributionKind.DELTA), 12
    )
    message.ClearField("weight")

    assert wire.contribution_header_from_proto(message).weight == 1.0


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.PushHeader(base_version={"epoch": 1}), "kind"),
        (pb.PushHeader(kind=pb.CONTRIBUTION_KIND_DELTA), "base_version"),
        (pb.PushHeader(kind=pb.CONTRIBUTION_KIND_DELTA, base_version={"epoch": 1}, codec=99), "codec"),
    ],
)
def test_a_header_that_says_too_little_is_refused_by_name(message: pb.PushHeader, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        wire.contribution_header_from_proto(message)

    assert caught.value.details["field"] == field


@pytest.mark.parametrize("remaining_s", [None, 0.0, 2.5])
def test_an_invitation_survives(remaining_s: float | None) -> None:
    invitation = Invitation(4, VERSION, remaining_s)

    assert wire.invitation_from_proto(wire.invitation_to_proto(invitation)) == invitation


def test_an_acknowledgement_survives() -> None:
    answer = Acknowledgement(AcknowledgementLevel.DISK, True, 4, False, VERSION, 2)

    assert wire.acknowledgement_from_proto(wire.acknowledgement_to_proto(answer)) == answer


def test_a_closed_round_survives() -> None:
    closed = ClosedRound(4, VERSION, (CountedContribution("w0", "r1", 0.5, 3.0),), 1234.5)

    assert wire.closed_round_from_proto(wire.closed_round_to_proto(closed)) == closed


def test_news_of_rounds_survive() -> None:
    settings = ModelSettings(optimizer=SgdOptimizer(0.5), num_versions_kept=3)
    rolled_back = ClosedRound(4, VERSION, (), 1234.5, "back", settings)

    assert wire.round_news_from_proto(wire.closed_round_to_proto(rolled_back)) == rolled_back
    assert wire.round_news_from_proto(wire.round_settings_to_proto(settings)) == settings
