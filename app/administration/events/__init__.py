"""Events that could not be delivered, and the sinks that should have received them."""
