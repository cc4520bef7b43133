"""The commands that ask the accounts service; each prints its answer as JSON."""
