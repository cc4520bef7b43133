"""Whether a video's pictures are whole or made of fields: what it says, and what it shows."""
