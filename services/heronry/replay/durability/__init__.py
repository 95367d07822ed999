"""What makes tables outlive their process: log, snapshots and recovery; files only, no transport and no loop."""
