"""A payment gateway simulator that speaks Stripe's API: see docs/gateway.md."""
