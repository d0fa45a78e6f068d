"""A small bank, as HDFC and Axis look to a merchant: see docs/bank.md."""
