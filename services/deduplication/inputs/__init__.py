"""Files of accounts, as records."""
