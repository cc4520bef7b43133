"""The gRPC doors of the media service."""
