"""Central inference of one run: its versions as params has published them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import structlog

from heronry.client.parameters import Parameters
from heronry.client.params import ParamsClient
from heronry.learner.core.inference import Inference, InferenceLimits, Policy, StatefulForward, Stateless
from heronry.learner.inference.engine import InferenceEngine, MakePolicy
from heronry.maths.forward_backends import make_forward
from heronry.maths.networks import NetworkSpec, RecurrentForward, Tensors
from heronry.maths.policies import acting_head
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError
from heronry.types.tensors import ElementType, FloatArray, ModelSchema, content_hash
from heronry.types.version import ParameterVersion

_log = structlog.get_logger("heronry.learner")

_LOG_STD: Final = "policy/log_std"


@dataclass(frozen=True)
class CentralPolicy:
    """What is evaluated.

    Attributes:
      run_id: whose policy it is.
      model: its name at params.
      algorithm: whose network it is.
      network: its shape.
      backend, device: what evaluates it, see `make_forward`.
    """

    run_id: str
    model: str
    algorithm: str
    network: NetworkSpec
    backend: str
    device: str

    def make(self, version: ParameterVersion, tensors: Tensors) -> Policy:
        """Return a version ready to be evaluated; copies the weights.

        Raises:
          SchemaMismatchError: they are another network's.
          ConfigurationError: what was to evaluate them is not here.
        """
        forward = self._forward(tensors)  # names what is missing
        log_std: FloatArray = np.empty(0, np.float32)
        if self.network.has_log_std:
            log_std = tensors[_LOG_STD].astype(np.float32)
        return Policy(version, forward, log_std)

    def make_checked(self, version: ParameterVersion, tensors: Tensors) -> Policy:
        """Return a version ready to be evaluated, of the weights that params should have published for it.

        Raises:
          DataLossError: params has published others.
        """
        ordered = {name: tensors[name] for name in self.network.shapes()}
        found = content_hash(ModelSchema.of(ordered).pack(ordered))
        if version.content_hash and found != version.content_hash:
            expected = version.content_hash.hex()
            details = {"field": "content_hash", "value": found.hex(), "allowed": expected}
            raise DataLossError(f"content_hash of {version}: got {found.hex()}, allowed: {expected}", details=details)
        return self.make(version, tensors)

    def _forward(self, tensors: Tensors) -> StatefulForward:
        head = acting_head(self.algorithm)
        if self.network.layers.recurrent:
            return RecurrentForward(self.network, head, tensors)
        return Stateless(make_forward(self.backend, self.network, head, tensors, self.device))


class CentralInference:
    """Feeds an engine with versions; for one event loop."""

    def __init__(
        self, policy: CentralPolicy, params: ParamsClient, limits: InferenceLimits, clock: Callable[[], float]
    ) -> None:
        observed, outputs = policy.network.observations, dict(policy.network.heads)
        column = ColumnSpec("observation", ElementType.of(observed.element_type), observed.shape)
        core = Inference(policy.run_id, column, outputs[acting_head(policy.algorithm)], limits, clock)
        self.engine = InferenceEngine(core, self._fetched, clock)
        self._policy = policy
        self._params = params

    async def take(self, parameters: Parameters) -> None:
        """Let a version act that was pulled."""
        await self.engine.add(partial(self._policy.make, parameters.version, parameters))

    async def publish(self, version: ParameterVersion, tensors: Tensors) -> None:
        """Let a version act that params has taken.

        What acts is what params has, bit for bit: where it made something else of the weights, that is pulled.
        """
        try:
            await self.engine.add(partial(self._policy.make_checked, version, tensors))
        except DataLossError as error:
            _log.info("inference_pulls", version=str(version), reason=str(error))
            await self.engine.add(await self._fetched(version.number))

    async def _fetched(self, number: int) -> MakePolicy:
        """Find a version at params; raises VersionNotFoundError when it is gone."""
        parameters = await self._params.pull(self._policy.model, number=number)
        return partial(self._policy.make, parameters.version, parameters)
