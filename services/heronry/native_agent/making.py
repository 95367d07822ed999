"""Makes the C++ object, and gives its refusals the names that all errors here have."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from heronry.maths.networks import NetworkSpec
from heronry.native_agent.loading import NativeAgent, load_module
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError


@contextmanager
def named_refusals() -> Iterator[None]:
    """Turn what C++ refuses into `SchemaMismatchError` or `InvalidArgumentError`."""
    module = load_module()
    try:
        yield
    except module.SchemaRefusal as refusal:
        raise SchemaMismatchError.of(*refusal.args) from None
    except module.Refusal as refusal:
        raise InvalidArgumentError.of(*refusal.args) from None


def make_native(
    network: NetworkSpec, *, num_choices: Sequence[int], settings: Mapping[str, object], seed: int
) -> NativeAgent:
    """Return an agent whose weights are zeros.

    Args:
      network: its shape.
      num_choices: of each component of an action; none when actions are reals, or nobody asks for actions.
      settings: of `update`, by their names in a run spec, with `max_env_steps`; none: it only acts.
      seed: of everything it draws.

    Raises:
      FailedPreconditionError: the agent is not built for the torch that is installed.
      InvalidArgumentError: the network has memory, or does not fit the choices or the settings.
    """
    layers = network.layers
    if layers.recurrent:
        raise InvalidArgumentError.of("network.recurrent", layers.recurrent, "0: the C++ agent keeps no states")
    with named_refusals():
        return load_module().RlAgent(
            network.observations.shape,
            network.observations.high,
            [(c.channels, c.kernel, c.stride) for c in layers.convolutions],
            layers.hidden,
            layers.activation,
            network.heads,
            network.has_log_std,
            num_choices,
            str(settings.get("name", "")),
            settings,
            seed,
        )
