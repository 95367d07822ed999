"""dp-accounting comes with an extra: it is loaded late, and its absence has a way out."""

import logging
import subprocess
import sys

import pytest

from heronry.privacy.accounting import Accountant, gaussian, load_library, new_event
from heronry.types.errors import ConfigurationError
from heronry.types.privacy import NeighbourRelation


def test_the_package_and_the_closed_form_do_without_it() -> None:
    code = (
        "import sys; from heronry.privacy.accounting import gaussian_epsilon; gaussian_epsilon(1.0, 1, 1e-5);"
        "assert not {'dp_accounting', 'scipy'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_it_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dp_accounting.dp_event", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'heronry\[privacy\]'"):
        gaussian(1.0)


def test_its_warnings_of_orders_that_it_leaves_out_are_silenced(caplog: pytest.LogCaptureFixture) -> None:
    load_library()

    # Every sampling rate as large as this one makes it warn.
    sampled = new_event("PoissonSampledDpEvent", sampling_probability=0.5, event=gaussian(0.7))
    with caplog.at_level(logging.WARNING):
        Accountant(NeighbourRelation.ADD_OR_REMOVE_ONE).compose(sampled)

    assert not caplog.records
