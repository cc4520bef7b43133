"""The gRPC doors of the accounts service."""
