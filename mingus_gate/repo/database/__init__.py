"""Databases as facts: engines and pools, connections, commits, dumps and backups."""
