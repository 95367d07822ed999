"""What outlives a process: journals, checkpoints, exports."""
