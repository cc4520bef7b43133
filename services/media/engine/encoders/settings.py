"""What an encoder is told."""

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


def key_frame_distance(footage: Footage) -> int:
    """Frames from one key frame to the next, at most."""
    return max(1, round(_KEY_FRAME_SECONDS * footage.rate))


def field_flags(footage: Footage) -> dict[str, str]:
    """The options by which FFmpeg's encoders code two fields apart."""
    return {"flags": "+ildct+ilme"} if footage.field_order else {}
