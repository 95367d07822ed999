"""Events as documents: what goes round, and what is refused."""

import json
from collections.abc import Mapping

import pytest
from dp_accounting import dp_event

from heronry.privacy.accounting import SkellamDpEvent, event_from_document, event_to_document
from heronry.types.errors import InvalidArgumentError

GAUSSIAN = dp_event.GaussianDpEvent(1.25)
EVENTS = [
    GAUSSIAN,
    dp_event.PoissonSampledDpEvent(0.1, GAUSSIAN),
    dp_event.TruncatedSubsampledGaussianDpEvent(1000, 0.1, 150, 1.0),
    dp_event.SampledWithoutReplacementDpEvent(1000, 100, GAUSSIAN),
    dp_event.SingleEpochTreeAggregationDpEvent(2.0, 128),
    dp_event.ZCDpEvent(0.5, 0.0),
    dp_event.SelfComposedDpEvent(GAUSSIAN, 12),
    dp_event.ComposedDpEvent([GAUSSIAN, dp_event.SelfComposedDpEvent(dp_event.ZCDpEvent(0.1, 0.0), 3)]),
    dp_event.NonPrivateDpEvent(),
    SkellamDpEvent(100.0, 4.0, 1000),
]
PLAIN = {"class": "GaussianDpEvent", "noise_multiplier": 1.0}


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_comes_back_from_its_document(event: object) -> None:
    written = json.dumps(event_to_document(event), allow_nan=False)

    assert event_from_document(json.loads(written)) == event


def test_a_document_names_its_class_and_its_fields() -> None:
    assert event_to_document(EVENTS[1]) == {
        "class": "PoissonSampledDpEvent",
        "sampling_probability": 0.1,
        "event": {"class": "GaussianDpEvent", "noise_multiplier": 1.25},
    }


def test_whole_numbers_become_the_reals_that_accountants_expect() -> None:
    event = event_from_document({"class": "GaussianDpEvent", "noise_multiplier": 1})

    assert isinstance(event.noise_multiplier, float)


@pytest.mark.parametrize(
    "document",
    [
        {"class": "LaplaceDpEvent", "noise_multiplier": 1.0},
        {"class": "os.system", "noise_multiplier": 1.0},
        {"class": ["GaussianDpEvent"], "noise_multiplier": 1.0},
        {"module_name": "os", "class_name": "system"},
        {"class": "GaussianDpEvent"},
        PLAIN | {"more": 1},
        PLAIN | {"noise_multiplier": 0.0},
        PLAIN | {"noise_multiplier": -1.0},
        PLAIN | {"noise_multiplier": float("nan")},
        PLAIN | {"noise_multiplier": float("inf")},
        PLAIN | {"noise_multiplier": True},
        PLAIN | {"noise_multiplier": "1.0"},
        {"class": "PoissonSampledDpEvent", "sampling_probability": 1.5, "event": PLAIN},
        {"class": "PoissonSampledDpEvent", "sampling_probability": 0.0, "event": PLAIN},
        {"class": "PoissonSampledDpEvent", "sampling_probability": 0.5, "event": {"class": "NonPrivateDpEvent"}},
        {"class": "PoissonSampledDpEvent", "sampling_probability": 0.5, "event": 3},
        {"class": "SelfComposedDpEvent", "event": PLAIN, "count": 0},
        {"class": "SelfComposedDpEvent", "event": PLAIN, "count": 1.0},
        {"class": "ComposedDpEvent", "events": []},
        {"class": "ComposedDpEvent", "events": PLAIN},
        {"class": "SampledWithoutReplacementDpEvent", "source_dataset_size": 5, "sample_size": 6, "event": PLAIN},
    ],
)
def test_what_is_not_on_the_list_or_out_of_range_is_refused(document: Mapping[str, object]) -> None:
    with pytest.raises(InvalidArgumentError):
        event_from_document(document)


def test_deep_nesting_is_refused() -> None:
    document: Mapping[str, object] = PLAIN
    for _ in range(50):
        document = {"class": "SelfComposedDpEvent", "event": document, "count": 1}

    with pytest.raises(InvalidArgumentError, match="levels"):
        event_from_document(document)


@pytest.mark.parametrize(
    "event", [dp_event.LaplaceDpEvent(1.0), dp_event.UnsupportedDpEvent(), dp_event.GaussianDpEvent(0.0)]
)
def test_other_events_have_no_document(event: object) -> None:
    with pytest.raises(InvalidArgumentError):
        event_to_document(event)


def test_a_class_that_only_has_the_name_is_refused() -> None:
    class GaussianDpEvent:
        noise_multiplier = 1.0

        def to_named_tuple(self) -> object:
            return ()

    with pytest.raises(InvalidArgumentError, match="GaussianDpEvent"):
        event_to_document(GaussianDpEvent())
