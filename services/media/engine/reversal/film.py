"""Makes a new file of a video, from its end to its beginning."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from math import ceil
from pathlib import Path

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from av.video.frame import PictureType, VideoFrame

from services.media.engine.coded_sound import coded_sound
from services.media.engine.containers import CONTAINERS, create
from services.media.engine.failure import BadMedia
from services.media.engine.film import lead_seconds, part_of
from services.media.engine.opening import RUN_UP, Opening
from services.media.engine.picture import Picture
from services.media.engine.pipeline import Pipeline
from services.media.engine.plan import Encoding, Filters, Sound
from services.media.engine.probe import VideoFacts
from services.media.engine.reading import open_video, packets_of, video_stream
from services.media.engine.reversal.recording import Recording
from services.media.engine.reversal.stack import Stack
from services.media.engine.reversal.windows import Survey, frames_of_window
from services.media.engine.sound import sound_streams

Progress = Callable[[float], None]
Window = tuple[Fraction | None, Fraction | None]

# Sound may go on for so long after the last picture without holding it: less than two frames
# of AAC, which files mostly end with.
_TAIL = Fraction(1, 10)
# Of the work, what each frame's way onto the stack is, and its way off, which is being encoded.
_LAID, _TAKEN = 0.15, 0.85


def reverse(
    source: Path,
    destination: Path,
    facts: VideoFacts,
    filters: Filters,
    encoding: Encoding,
    progress: Progress,
) -> None:
    """Write a video, whose facts were probed, to `destination` such that it goes backwards.

    Each frame is shown for as long as it was, and each sample is heard with the
    same picture; files of its own lie beside `destination` meanwhile. `filters`
    are for the whole of it, in yuv420p, and `encoding` has its sound.
    `progress` takes 0 to 100. Raises BadMedia when no frame can be decoded.
    """
    part = part_of(source, facts, filters, encoding)
    with ExitStack() as stack, open_video(source) as reader:
        footage = Pipeline(video_stream(reader), facts, filters, part).footage
        survey, recording = _survey(reader, facts, encoding.sound, part, destination, stack)
        reading = _Reading(source, facts, filters, part, footage.clock)
        lead = RUN_UP + lead_seconds(facts, filters)
        windows = survey.windows(part.origin, frames_of_window(filters), lead)
        told = _Told(progress, survey.frames)
        path = destination.with_suffix(".pictures")
        laid = stack.enter_context(Stack(path, filters.width, filters.height))
        writer = stack.enter_context(
            create(destination, CONTAINERS[encoding.container], encoding.codec)
        )
        picture = Picture(writer, encoding, footage)
        film = _Backwards(writer, picture, encoding.sound, recording, footage.clock)
        for window in windows:
            last: VideoFrame | None = None
            for frame in reading.frames(window):
                laid.lay(frame)
                last = frame
                told.more(_LAID)
            if last is not None:
                film.begin(last)
            for time, frame in laid.taken():
                film.show(frame, time)
                told.more(_TAKEN)
        film.finish()
    progress(100.0)


def _survey(
    reader: InputContainer,
    facts: VideoFacts,
    sound: Sound | None,
    part: Opening,
    destination: Path,
    stack: ExitStack,
) -> tuple[Survey, Recording | None]:
    """Walk through a file: see when its frames are shown, and keep its sound."""
    stream = video_stream(reader)
    survey, recording = Survey(stream, facts), None
    streams: list[Stream] = [stream]
    heard = next(iter(sound_streams(reader)), None)
    if sound is not None and heard is not None:
        path = destination.with_suffix(".sound")
        recording = stack.enter_context(Recording(path, heard, sound.rate, part.origin))
        streams.append(heard)
    for packet in packets_of(reader, *streams):
        if packet.stream_index == stream.index:
            survey.take(packet)
        elif recording is not None:
            recording.take(packet)
    if recording is not None:
        recording.finish()
    return survey, recording


class _Reading:
    """Reads the frames of windows as they are to be shown."""

    def __init__(
        self,
        source: Path,
        facts: VideoFacts,
        filters: Filters,
        part: Opening,
        clock: Fraction,
    ) -> None:
        self._source = source
        self._facts = facts
        self._filters = filters
        self._part = part
        self._clock = clock

    def frames(self, window: Window) -> Iterator[VideoFrame]:
        """The frames of a window, forwards, with their times from the film's beginning."""
        first, end = window
        part = self._part
        if first is not None:
            lead = lead_seconds(self._facts, self._filters)
            part = part.resumed(self._source, part.origin + first, lead)
        with open_video(self._source) as reader:
            stream = video_stream(reader)
            part.enter(reader)
            pipeline = Pipeline(stream, self._facts, self._filters, part)
            for frame in _decodable(pipeline.frames(packets_of(reader, stream))):
                time = (frame.pts or 0) * self._clock
                if end is not None and time >= end:
                    return
                if first is None or time >= first:
                    yield frame


def _decodable(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    try:
        yield from frames
    except BadMedia:
        # Whether there is none in any window is seen at the end.
        return


class _Backwards:
    """The new file: takes frames from the last to the first, and puts the sound beside them."""

    def __init__(
        self,
        target: OutputContainer,
        picture: Picture,
        sound: Sound | None,
        recording: Recording | None,
        clock: Fraction,
    ) -> None:
        self._target = target
        self._picture = picture
        self._clock = clock
        self._recording = recording
        self._voice: AudioStream | None = None
        if recording is not None and sound is not None:
            self._voice = coded_sound(target, sound, recording.channels)
        self._heard: Iterator[AudioFrame] = iter(())
        # In ticks of the source's beginning: where the new file begins, and where the frame goes
        # that is shown next in it.
        self._total: int | None = None
        self._following = 0

    def begin(self, frame: VideoFrame) -> None:
        """Begin with the frame that is the source's last."""
        if self._total is not None:
            return
        end = (frame.pts or 0) + frame.duration
        recording = self._recording
        if recording is not None and recording.end > end * self._clock + _TAIL:
            # A player holds the last frame until the sound ends.
            end = ceil(recording.end / self._clock)
        self._total = self._following = end
        if recording is not None:
            self._heard = recording.backwards(end * self._clock)

    def show(self, frame: VideoFrame, time: int) -> None:
        """Put the next frame, which the source shows from `time` on, into the file."""
        total = self._total or 0
        frame.pts, frame.duration = total - self._following, self._following - time
        frame.time_base, frame.pict_type = self._clock, PictureType.NONE
        self._following = time
        self._picture.encode(frame)
        self._hear((total - time) * self._clock)

    def finish(self) -> None:
        """Put into the file what is still under way. Raises BadMedia where no frame was shown."""
        if self._total is None:
            raise BadMedia("None of the frames to convert can be decoded.")
        self._picture.finish()
        self._hear(None)
        if self._voice is not None:
            self._target.mux(self._voice.encode(None))

    def _hear(self, end: Fraction | None) -> None:
        """Put sound into the file up to a time; None: all of it."""
        while self._voice is not None and (frame := next(self._heard, None)) is not None:
            self._target.mux(self._voice.encode(frame))
            if end is not None and (frame.pts or 0) >= end * frame.sample_rate:
                return


class _Told:
    """Tells the progress of as many frames as there are."""

    def __init__(self, progress: Progress, frames: int) -> None:
        self._progress = progress
        self._frames = max(1, frames)
        self._done = 0.0

    def more(self, part: float) -> None:
        """Tell of a part of the work on a frame."""
        self._done += part
        self._progress(min(100.0, 100 * self._done / self._frames))
