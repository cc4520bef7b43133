"""`vitascope task`: run media tasks, follow them, and look up what they can be told."""
