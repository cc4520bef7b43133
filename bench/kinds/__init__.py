"""What the kinds of tasks cost, each beside the tool that one would take instead."""
