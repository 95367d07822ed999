"""Parts of the examples are imported as the examples do it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "examples"))
