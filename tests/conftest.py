"""One Hypothesis profile for all tests: how long an example takes says more of the machine than of the code."""

import sys
from pathlib import Path

import hypothesis

# What tests of several folders share.
sys.path.append(str(Path(__file__).parent / "support"))

hypothesis.settings.register_profile("heronry", deadline=None)
hypothesis.settings.load_profile("heronry")
