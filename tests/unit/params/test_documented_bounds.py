"""The bounds that docs/params.md names are those of the settings."""

import re
from pathlib import Path

from heronry.params.config import ParamsSettings

_PAGE = Path(__file__).resolve().parents[3] / "docs" / "params.md"
_UNITS = {"": 1, " MiB": 1 << 20, " GiB": 1 << 30}


def test_the_page_names_the_defaults_of_bounds() -> None:
    found = re.findall(r"`--(max-[a-z-]+)` \((\d+)( MiB| GiB|)\)", _PAGE.read_text(encoding="utf-8"))
    told = {flag.replace("-", "_"): int(count) * _UNITS[unit] for flag, count, unit in found}

    assert "max_open_uploads" in told
    assert told == {name: ParamsSettings.model_fields[name].default for name in told}
