"""What an encoder is told."""

from collections.abc import Callable
from dataclasses import dataclass, field

from services.media.engine.footage import Footage

# Players jump from key frame to key frame.
_KEY_FRAME_SECONDS = 2


@dataclass(frozen=True)
class Settings:
    """An encoder of FFmpeg's, and its options, both by FFmpeg's names."""

    encoder: str
    options: dict[str, str] = field(default_factory=dict)
    # The four letters that name the codec in mov and mp4; empty: the muxer knows.
    tag: str = ""
    # Turns each packet into what it is to be called; None: it stays as it is.
    relabel: Callable[[bytes], bytes] | None = None
    # Whether the encoder knows frames only by their number at a constant rate.
    counts: bool = False
    # The profile that the muxer is told, where it is not the encoder's.
    profile: str = ""


def key_frame_distance(footage: Footage) -> int:
    """Frames from one key frame to the next, at most."""
    return max(1, round(_KEY_FRAME_SECONDS * footage.rate))


def field_flags(footage: Footage) -> dict[str, str]:
    """The options by which FFmpeg's encoders code two fields apart."""
    return {"flags": "+ildct+ilme"} if footage.field_order else {}
