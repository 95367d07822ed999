"""Contributions that the service sees in sums alone, in blocking calls."""

from heronry.client.contribution_packing import Values
from heronry.client.sync.model_admin import ModelAdminClient
from heronry.types.contribution import Acknowledgement, ContributionKind
from heronry.types.privacy import DistributedNoise
from heronry.types.version import ParameterVersion


class SecureSumsClient(ModelAdminClient):
    """Takes part in rounds of secure aggregation; see the asynchronous client of the same name."""

    def sum_securely(
        self,
        model: str,
        values: Values,
        *,
        base_version: ParameterVersion,
        claim: DistributedNoise,
        kind: ContributionKind = ContributionKind.DELTA,
        weight: float = 1.0,
        fencing_token: int = 0,
        max_rounds: int = 1,
        timeout_s: float = 300.0,
    ) -> Acknowledgement:
        """Contribute to the next round's sum, and wait for the version that it makes."""
        return self._loop.run(
            self._client.sum_securely(
                model,
                values,
                base_version=base_version,
                claim=claim,
                kind=kind,
                weight=weight,
                fencing_token=fencing_token,
                max_rounds=max_rounds,
                timeout_s=timeout_s,
            )
        )
