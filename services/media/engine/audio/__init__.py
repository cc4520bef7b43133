"""Reads, converts and draws sound."""
