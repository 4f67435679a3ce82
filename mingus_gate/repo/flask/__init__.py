"""Flask as facts: applications and their settings, routes, handlers, sessions, keys and health answers."""
