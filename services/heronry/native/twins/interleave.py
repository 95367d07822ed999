"""Pictures from planes to pixels, a plane at a time."""

from heronry.native.arrays import Bytes


def interleave(planes: Bytes, out: Bytes) -> None:
    """Fill `out` `[N, P, C]` from planes `[N, C, P]`."""
    if out.shape != (planes.shape[0], planes.shape[2], planes.shape[1]):
        raise ValueError(f"out {out.shape} for planes {planes.shape}: a result that is not [N, P, C]")
    # NumPy takes four times as long for the transposed view at once.
    for channel in range(planes.shape[1]):
        out[:, :, channel] = planes[:, channel]
