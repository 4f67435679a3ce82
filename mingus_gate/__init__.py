"""mingus-gate: may this Flask application go to production?"""

__version__ = "0.1.0"

HOME = "https://github.com/mingus-gate/mingus-gate"
"""Where the project lives: issues, and docs/ with a page a check."""
