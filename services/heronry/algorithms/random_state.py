"""A torch generator's state as JSON."""

import base64

import torch

from heronry.types.errors import DataLossError


def encode(generator: torch.Generator) -> str:
    """Return the state in base64."""
    return base64.b64encode(generator.get_state().numpy().tobytes()).decode("ascii")


def decode(text: str, generator: torch.Generator) -> None:
    """Set the generator to an encoded state.

    Raises:
      DataLossError: the text is no state.
    """
    try:
        data = bytearray(base64.b64decode(text, validate=True))
        generator.set_state(torch.frombuffer(data, dtype=torch.uint8))
    except (ValueError, RuntimeError) as error:
        raise DataLossError(f"random state: {error}", details={"field": "random_state"}) from error
