"""The gRPC door of the catalogue."""
