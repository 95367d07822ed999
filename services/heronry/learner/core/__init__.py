"""The learner's domain: counting updates, checkpoints, where to compute."""
