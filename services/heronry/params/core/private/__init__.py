"""Models with a privacy claim: what they may be combined with, what a release costs and how it is noised."""
