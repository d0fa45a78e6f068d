"""Single-use tickets, with which a browser opens a stream: it cannot send headers there, and a
token in an address would be in logs and histories."""
