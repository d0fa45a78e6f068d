"""Orders of all merchants."""
