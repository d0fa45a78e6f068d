"""On-ramps, payouts, and what providers report."""
