"""Says what a video file is, beyond what its packets tell."""

from dataclasses import dataclass
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.media.engine.content_types import content_type
from services.media.engine.failure import BadMedia
from services.media.engine.glimpses import first_frame
from services.media.engine.reading import open_video, video_stream
from services.media.engine.shape import display_matrix, rotation

# Of sound in a codec that FFmpeg has no name for.
_NAMELESS = "unknown"


@dataclass(frozen=True)
class Description:
    """What a video file is. Names of codecs are FFmpeg's."""

    content_type: str
    # Whether pixels can be transparent.
    alpha: bool
    # Counter-clockwise degrees, 0 to below 360, to turn the picture upright; None when it has to
    # be flipped.
    rotation: float | None
    # That of the sound which is played; None when there is none.
    audio_codec: str | None


def describe(path: Path) -> Description:
    """What a video file is. Raises BadMedia when none of its frames can be decoded."""
    with open_video(path) as container:
        stream = video_stream(container)
        first = first_frame(container)
        if first is None:
            raise BadMedia("None of the video's frames can be decoded.")
        matrix = display_matrix(first)
        return Description(
            content_type=content_type(path, container, stream),
            alpha=_has_alpha(first, stream),
            rotation=rotation(matrix) if matrix else 0.0,
            audio_codec=_audio_codec(container),
        )


def _has_alpha(frame: VideoFrame, stream: VideoStream) -> bool:
    # WebM has the transparency of VP8 and VP9 beside the pictures.
    beside = stream.metadata.get("alpha_mode") == "1"
    return beside or any(component.is_alpha for component in frame.format.components)


def _audio_codec(container: InputContainer) -> str | None:
    stream = container.streams.best("audio")
    if stream is None:
        # Also FFmpeg's answer where it has no decoder for any.
        return _NAMELESS if container.streams.audio else None
    return stream.codec_context.codec.canonical_name
