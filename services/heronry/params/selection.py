"""Which version a request selects."""

from heronry.api.params.v1 import params_pb2 as pb


def selection(
    request: pb.PullRequest | pb.ExportVersionRequest | pb.RollbackModelRequest,
) -> tuple[int | None, str | None]:
    """Return the number and the tag of a request that selects a version by one of them."""
    which = request.WhichOneof("which")
    return (request.number if which == "number" else None), (request.tag if which == "tag" else None)
