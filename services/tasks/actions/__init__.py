"""What the ledger and the Tasks API can do."""
