"""`./flow image`: builds the image without a container engine, and sells with it."""
