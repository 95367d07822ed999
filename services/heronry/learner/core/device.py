"""Where torch computes, and with how many threads."""

from heronry.types.errors import ConfigurationError

# Below this a kernel's launch costs more than its work: a CPU core is faster.
_LEAST_PARAMETERS_FOR_CUDA = 1_000_000


def choose_device(asked: str, num_parameters: int) -> str:
    """Return the torch device for `auto`, `cpu`, `cuda` or `cuda:N`; imports torch.

    Raises:
      ConfigurationError: CUDA is asked for by name and there is none.
    """
    import torch  # slow: the service serves before it

    num_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        return "cuda:0" if num_devices and num_parameters >= _LEAST_PARAMETERS_FOR_CUDA else "cpu"
    if asked == "cpu":
        return asked
    index = int(asked.partition(":")[2] or 0)
    if index >= num_devices:
        allowed = ", ".join(["auto", "cpu", *(f"cuda:{i}" for i in range(num_devices))])
        raise ConfigurationError.of("learner.device", asked, f"{allowed} (this torch sees {num_devices} CUDA devices)")
    return f"cuda:{index}"


def prepare_thread(num_threads: int) -> None:
    """Set up torch in the thread that will compute."""
    import torch  # as above

    torch.set_num_threads(num_threads)
    # Tiny gradients of saturated units would else take a slow path of the processor.
    torch.set_flush_denormal(True)
