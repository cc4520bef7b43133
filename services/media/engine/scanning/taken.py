"""What to take a video for, after what it says and what it shows."""

from dataclasses import replace

from services.media.engine.probe import VideoFacts
from services.media.engine.scanning.seen import Seen


def taken_for(facts: VideoFacts, seen: Seen) -> VideoFacts:
    """The facts with the scanning that the pictures show, where they show any.

    The field order stays the one that the file tells, where it tells one.
    """
    if seen.scanning.kind == "unknown":
        return facts
    if seen.scanning.kind == "progressive":
        return replace(facts, scanning="progressive", field_order=None)
    order = facts.field_order or seen.scanning.field_order
    return replace(facts, scanning="interlaced", field_order=order)
