"""What the accounts service does."""
