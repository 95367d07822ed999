"""The `heronry` command; `heronry.cli.main` holds its entry point."""
