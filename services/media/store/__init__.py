"""All SQL of the media service."""
