"""How GitHub Actions calls us: its event, its API, its files and commands."""
