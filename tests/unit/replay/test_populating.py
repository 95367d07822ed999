import mmap
import resource

import numpy as np
import pytest

from heronry.replay.core import populating as module
from heronry.replay.core.populating import populate
from heronry.replay.core.reserved import reserved


def faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@pytest.mark.parametrize("is_old_system", [False, True])
def test_what_lies_in_the_pages_stays(is_old_system: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if is_old_system:
        monkeypatch.setattr(module, "_LIBRARY", None)
    region = reserved(1 << 20, np.uint8)
    region[5000:9000] = 7

    populate(region, 4500, 600_000)

    assert np.all(region[5000:9000] == 7)
    assert not region[:5000].any()
    assert not region[9000:].any()


@pytest.mark.parametrize("is_old_system", [False, True])
def test_writes_to_them_fault_no_more(is_old_system: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if is_old_system:
        monkeypatch.setattr(module, "_LIBRARY", None)
    num_pages = 4096
    region = reserved(num_pages * mmap.PAGESIZE, np.uint8)
    populate(region, 0, len(region))

    before = faults()
    region[:] = 1

    assert faults() - before < num_pages // 10
