"""Secure aggregation: a server that learns the sum of clients' vectors, and nothing else of them.

After Bonawitz et al. 2017, "Practical secure aggregation for privacy-preserving machine learning", in its variant
against an honest-but-curious server. A round, from the server's announcement on:

    server -> clients  RoundParameters
    client -> server   AdvertisedKeys     two X25519 keys for this round
    server -> clients  Roster
    client -> server   SealedShares       Shamir shares of the self-mask seed and of the private mask key
    server -> clients  RelayedShares
    client -> server   MaskedInput        clip, grid, share of the noise, masks; modulo 2^32
    server -> clients  UnmaskRequest      to the survivors alone
    client -> server   RevealedShares     of each client one secret: the seed if it survived, the key if it dropped

Sessions do no input or output and know no clock: a shell carries the messages and ends steps by its deadlines.

What holds: the server, with up to `min_survivors - 1` clients that tell it all they know, and who follow the protocol,
learns the sum over the honest survivors and no more; who took part is public. The noise of clients that collude with
the server hides nothing from it: against c of them z counts as `z sqrt(1 - c / min_survivors)`.

What does not hold against a server that departs from the protocol: keys are not signed. Who is behind an id is what
the transport says (TLS, tokens), and the transport ends at the server. Such a server can answer with keys of its own
in the place of others (a client then sums with members that do not exist), fill the list of members with clients of its
own until the sum is of one honest client, or tell survivors apart with help of clients that answer two requests. A
signature on each key by an identity that the server cannot make, and a step in which survivors sign whom they were told
of, would close the first and the last. Local noise of a client holds whatever the server does.

What does not hold against a malicious client: its vector is seen by nobody, so it can spoil the sum, by values beyond
the clip, by wrong masks, or by going away. It does not learn of others' vectors by that.
"""

from heronry.privacy.secure.client import AddNoise, ClientSession, ClientStep
from heronry.privacy.secure.server import ServerSession, ServerStep
from heronry.types.secure_messages import (
    AdvertisedKeys,
    MaskedInput,
    RelayedShares,
    RevealedShares,
    Roster,
    SealedShares,
    SecureSum,
    UnmaskRequest,
)
from heronry.types.secure_rounds import RoundParameters

__all__ = [
    "AddNoise",
    "AdvertisedKeys",
    "ClientSession",
    "ClientStep",
    "MaskedInput",
    "RelayedShares",
    "RevealedShares",
    "Roster",
    "RoundParameters",
    "SealedShares",
    "SecureSum",
    "ServerSession",
    "ServerStep",
    "UnmaskRequest",
]
