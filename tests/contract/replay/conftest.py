"""Makes the modules of `decisions/` importable, for the tests as for the script that dm-reverb's environment runs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "decisions"))
