"""What the stand-ins have in common: a database, a server, webhooks and the look of their pages."""
