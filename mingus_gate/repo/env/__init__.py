"""The environment as facts: variables and how they are read, env files, and secrets in text."""
