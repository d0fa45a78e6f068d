"""A mail catcher: receives the mails of the application and shows them."""
