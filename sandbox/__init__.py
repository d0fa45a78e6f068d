"""Stand-ins for the outside world. The application never imports them, nor they it."""
