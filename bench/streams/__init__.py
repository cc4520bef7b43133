"""Streams of statuses: how soon a worker's report is a line on the wire, and what streams cost."""
