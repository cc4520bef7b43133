"""The gRPC doors: protobuf messages in, records to the actions, messages out."""
