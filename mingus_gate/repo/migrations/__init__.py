"""Alembic as facts: where revisions are, their graph, and what each does to the schema."""
