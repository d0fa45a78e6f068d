"""What the simulators share: configuration, database, server, webhook delivery and page layout."""
