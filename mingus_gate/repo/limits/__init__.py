"""What slows clients down: Flask-Limiter, limits written by hand, and those in front of the application."""
