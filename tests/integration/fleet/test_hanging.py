"""What an environment that hangs in the fleet's own process gets: a run that ends with its name."""

import pytest

LIMITS = {"step_timeout_s": 1.0, "reset_timeout_s": 30.0, "isolation": "none"}


@pytest.mark.parametrize("overlap", [False, True])
async def test_an_environment_that_hangs_in_the_fleets_process_fails_the_run_by_name(
    make_mesh, broken_environments, wait_until, overlap
):
    name = "broken_environments:HangingEnvironment"
    async with make_mesh(
        environment={"id": name, **LIMITS}, fleet={"num_envs": 4, "unroll_length": 8, "overlap": overlap}
    ) as mesh:
        await mesh.begin()

        failure = await wait_until(lambda: mesh.progress().failure)

        assert f"environment {name!r} (index 0, seed " in failure
        assert "step 3): no end of a step within 1 s" in failure
        assert "isolation: process" in failure


async def test_environments_are_closed_when_their_step_ends_after_the_run(make_mesh, broken_environments, wait_until):
    hanging = broken_environments.HangingEnvironment
    async with make_mesh(environment={"id": "broken_environments:HangingEnvironment", **LIMITS}) as mesh:
        await mesh.begin()
        await wait_until(lambda: mesh.progress().failure)
        # The run is over while the step is not.
        await mesh.services["fleet"].stop()
        assert hanging.num_closed == 0

        hanging.may_end.set()

        # One whose end raises does not keep the fleet from going on.
        await wait_until(lambda: hanging.num_closed)
