"""Numbers of starts: never twice for an instance, one for all where they are shared."""

from hypothesis import given
from hypothesis import strategies as st

from heronry.coordinator.core.starts import Starts


def test_a_start_counts_once_an_incarnation() -> None:
    starts = Starts()

    counted = [starts.count("fleet-0", incarnation) for incarnation in (7, 7, 9, 9)]

    assert counted == [True, False, True, False]
    assert starts.number("fleet-0") == 2
    assert starts.number("fleet-1") == 0


def test_the_next_stretch_of_a_run_is_another_start_of_the_same_incarnation() -> None:
    starts = Starts()
    starts.count("fleet-0", 7)

    after = starts.next_stretch(shared=False)

    assert after.count("fleet-0", 7)
    assert after.number("fleet-0") == 2


def test_a_new_mesh_goes_on_counting_where_the_former_ended() -> None:
    starts = Starts()
    for incarnation in (1, 2, 3):
        starts.count("fleet-0", incarnation)

    # The instances of another mesh have incarnations of their own.
    after = Starts(starts.state()).next_stretch(shared=False)
    after.count("fleet-0", 50)
    after.count("fleet-1", 51)

    assert (after.number("fleet-0"), after.number("fleet-1")) == (4, 1)


def test_shared_numbers_rise_for_all_when_one_comes_back_and_for_none_when_one_joins() -> None:
    starts = Starts(shared=True)
    seen = []
    for instance, incarnation in [("fleet-0", 1), ("params-0", 1), ("params-0", 2), ("learner-0", 1), ("fleet-0", 2)]:
        starts.count(instance, incarnation)
        seen.append(starts.numbers())

    assert seen == [
        (("fleet-0", 1),),
        (("fleet-0", 1), ("params-0", 1)),
        (("fleet-0", 2), ("params-0", 2)),
        (("fleet-0", 2), ("learner-0", 2), ("params-0", 2)),
        (("fleet-0", 3), ("learner-0", 3), ("params-0", 3)),
    ]


def test_shared_numbers_rise_with_each_stretch() -> None:
    starts = Starts(shared=True)
    starts.count("fleet-0", 1)

    after = starts.next_stretch(shared=True)
    after.count("fleet-0", 1)
    after.count("params-0", 1)

    assert after.numbers() == (("fleet-0", 2), ("params-0", 2))


events = st.lists(st.tuples(st.sampled_from(["fleet-0", "fleet-1", None]), st.integers(1, 3)), max_size=20)


@given(events=events, shared=st.booleans(), restarts=st.sets(st.integers(0, 20)))
def test_no_number_comes_twice_and_a_recovered_count_goes_on_the_same(
    events: list[tuple[str | None, int]], shared: bool, restarts: set[int]
) -> None:
    starts = Starts(shared=shared)
    handed_out: dict[str, list[int]] = {"fleet-0": [], "fleet-1": []}
    for index, (instance, incarnation) in enumerate(events):
        if index in restarts:
            starts = Starts(starts.state(), shared=shared)
        if instance is None:
            starts = starts.next_stretch(shared=shared)
        elif starts.count(instance, incarnation):
            handed_out[instance].append(starts.number(instance))

    for numbers in handed_out.values():
        assert numbers == sorted(set(numbers))
