"""Frames of videos: `video.info`, `video.thumb` and `video.strip`."""
