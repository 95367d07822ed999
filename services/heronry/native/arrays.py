"""Types of the arrays that the loops work on; all C-contiguous unless said otherwise."""

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
ShortIndices = npt.NDArray[np.uint32]
Reals = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
Orders = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float32] | npt.NDArray[np.float64]
HalfBits = npt.NDArray[np.uint16]
Codes = npt.NDArray[np.int8]
Bytes = npt.NDArray[np.uint8]
