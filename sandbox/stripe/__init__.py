"""A small payment gateway that looks to a merchant as Stripe does: see docs/gateway.md."""
