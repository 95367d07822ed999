"""A process that reads a version in place, or has memory lent to it, and waits for its end."""

import sys

import numpy as np

from heronry.client import ConnectionOptions, ContributionKind
from heronry.client.sync import ParamsClient


def main(address: str, role: str, num_parameters: int) -> None:
    """Hold on to the memory as the role says, tell so by a line, and wait."""
    with ParamsClient(address, ConnectionOptions(client_id=role)) as client:
        # The second comes over the connection that the first left open.
        held = [client.pull("policy") for _ in range(2)]
        if role == "borrower":
            values = np.ones(num_parameters, np.float32).view(np.uint8)
            client.push("policy", values, base_version=held[0].version, kind=ContributionKind.DELTA)
            held.clear()
        print("ready", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
