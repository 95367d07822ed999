"""The domain of the coordinator: registry, run, evaluation plan, progress, records; no clock, no sockets."""
