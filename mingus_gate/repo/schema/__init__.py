"""The database's schema as facts: what models declare, what migrations leave, and where the two differ."""
