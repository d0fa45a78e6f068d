"""Simulators of external services. The application never imports them, and they never import it."""
