"""One Hypothesis profile for all tests: how long an example takes says more of the machine than of the code."""

import hypothesis

hypothesis.settings.register_profile("heronry", deadline=None)
hypothesis.settings.load_profile("heronry")
