"""Convolutions over pictures `[B, height, width, channels]`, without padding."""

from dataclasses import dataclass

import numpy as np

from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import FloatArray

Picture = tuple[int, int, int]


@dataclass(frozen=True)
class Convolution:
    """One convolution.

    Attributes:
      channels: of its output.
      kernel: height and width of its window.
      stride: from one window to the next.
    """

    channels: int
    kernel: int = 3
    stride: int = 1

    def output_shape(self, shape: Picture) -> Picture:
        """Return height, width and channels of the output for a picture of that shape.

        Raises:
          InvalidArgumentError: the window is larger than the picture.
        """
        height, width, _ = shape
        if self.kernel > min(height, width):
            raise InvalidArgumentError.of(
                "network.convolution.kernel", self.kernel, f"at most {min(height, width)} for a picture {shape}"
            )
        return (height - self.kernel) // self.stride + 1, (width - self.kernel) // self.stride + 1, self.channels

    def weight_shape(self, shape: Picture) -> tuple[int, int, int, int]:
        """Return the weight's shape for a picture: `[out, kernel, kernel, in]`."""
        return self.channels, self.kernel, self.kernel, shape[2]

    def __call__(self, pictures: FloatArray, weight: FloatArray, bias: FloatArray) -> FloatArray:
        """Return the output `[B, height, width, channels]`.

        Args:
          pictures: `[B, height, width, in]`.
          weight: `[kernel * kernel * in, out]`, transposed so that a product reads it in order.
          bias: `[out]`.
        """
        height, width, _ = self.output_shape(pictures.shape[1:])
        windows = np.lib.stride_tricks.sliding_window_view(pictures, (self.kernel, self.kernel), axis=(1, 2))
        # [B, y, x, in, ky, kx] -> [B, y, x, ky, kx, in], the order of a weight's elements.
        windows = windows[:, :: self.stride, :: self.stride].transpose(0, 1, 2, 4, 5, 3)
        flat = np.ascontiguousarray(windows).reshape(-1, len(weight))
        outputs: FloatArray = np.matmul(flat, weight)
        outputs += bias
        return outputs.reshape(len(pictures), height, width, self.channels)
