"""The catalogue: projects, videos, requests to process them, and how far all of it is."""
