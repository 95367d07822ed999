"""RecordEpisode: the film of an episode is that episode."""

import io

import pytest
from PIL import Image

from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.core.evaluation import evaluate_policy
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError
from heronry.types.recordings import PictureFormat, RecordingOrder

NETWORK = {"hidden": [8], "activation": "tanh"}


@pytest.mark.parametrize("picture_format", list(PictureFormat))
async def test_a_film_shows_every_step_of_the_episode_that_would_be_judged(mesh, picture_format):
    await mesh.begin(seed=4)

    recording = await mesh.fleet.record_episode(RecordingOrder(seed=100, format=picture_format))

    judged = evaluate_policy(EnvironmentSettings("CartPole-v1"), NETWORK, mesh.tensors(4), 1, 100)
    assert recording.ended
    assert recording.episode_return == recording.length
    assert recording.version.number == 1
    with Image.open(io.BytesIO(recording.file)) as film:
        assert film.format == {"gif": "GIF", "apng": "PNG"}[picture_format.value]
        # Equal neighbours are one frame to the encoder; a falling pole leaves none.
        assert film.n_frames == recording.length
    assert judged.lengths[0] > 0


async def test_a_recording_is_cut_at_its_most_steps(mesh):
    await mesh.begin(seed=4)

    recording = await mesh.fleet.record_episode(RecordingOrder(seed=100, max_steps=3))

    assert (recording.length, recording.ended) == (3, False)
    with Image.open(io.BytesIO(recording.file)) as film:
        assert film.n_frames == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"max_steps": 10_001}, "max_steps: got 10001, allowed: 1 to 10,000"),
        ({"frames_per_second": 51}, "frames_per_second: got 51, allowed: 1 to 50"),
        ({"seed": 2**63}, "seed: got 9223372036854775808"),
    ],
)
async def test_numbers_outside_their_range_are_refused_by_name(mesh, change, said):
    await mesh.begin()

    with pytest.raises(InvalidArgumentError, match=said):
        await mesh.fleet.record_episode(RecordingOrder(**change))


async def test_an_environment_without_pictures_says_so(make_mesh, broken_environment):
    async with make_mesh(environment={"id": broken_environment, "isolation": "none"}) as mesh:
        await mesh.begin()

        with pytest.raises(FailedPreconditionError, match="picture"):
            await mesh.fleet.record_episode(RecordingOrder())


async def test_a_fleet_without_a_run_records_nothing(mesh):
    with pytest.raises(FailedPreconditionError, match="no run is assigned"):
        await mesh.fleet.record_episode(RecordingOrder())
