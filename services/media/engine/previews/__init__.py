"""What shows a video before it is watched: thumbnails, a storyboard, a version for browsers."""
