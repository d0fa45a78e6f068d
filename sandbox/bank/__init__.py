"""A bank simulator that offers what HDFC and Axis offer a merchant: see docs/bank.md."""
