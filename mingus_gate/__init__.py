"""mingus-gate: may this Flask application go to production?"""

__version__ = "0.1.0"
