"""Redis as facts: addresses, who keeps what there, and the caches on it."""
