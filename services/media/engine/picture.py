"""The stream of pictures of a new file."""

from collections.abc import Callable
from fractions import Fraction
from typing import cast

from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.media.engine.encoders import settings_of
from services.media.engine.encoders.settings import Settings
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding
from services.media.engine.shelf import Coded

# FFmpeg's AVFieldOrder: lines of both fields stored in turn, as all encoders
# here do, named by the field that comes first in time.
_FIELD_ORDERS = {None: 1, "top_first": 4, "bottom_first": 5}


class Picture:
    """Encodes frames into a file."""

    def __init__(
        self,
        target: OutputContainer,
        encoding: Encoding,
        footage: Footage,
        put: "Callable[[Packet[VideoStream]], None] | None" = None,
    ) -> None:
        """`put` takes what was encoded, where it does not go into the file."""
        self._put = put or target.mux_one
        self._footage = footage
        self._last = self._end = 0
        # Ticks from when the first picture is decoded to when it is shown.
        self._delay: int | None = None
        told = settings_of(encoding, footage)
        if told.counts and not footage.constant_rate:
            raise ValueError(f"{encoding.codec} needs frames at a constant rate")
        self._relabel = told.relabel
        self._counts = told.counts
        # Ticks of the footage's clock from one number of the encoder's to the next.
        self._step = round(1 / footage.rate / footage.clock)
        self._offset: int | None = None
        self.stream = _stream(target, told, footage)
        if footage.display_matrix:
            self.stream.set_display_matrix(footage.display_matrix)

    @property
    def seconds(self) -> float:
        """How far into the new file the picture has come."""
        return float(self._last * self._footage.clock)

    @property
    def end(self) -> Fraction:
        """When the last picture goes, in seconds."""
        return self._end * self._footage.clock

    @property
    def headers(self) -> bytes:
        """What the encoder tells decoders before the first picture, where the file keeps it."""
        context = self.stream.codec_context
        if not context.is_open:
            context.open()
        return context.extradata or b""

    def place(self, coded: Coded, decoded: int) -> None:
        """Put a picture into the file that such an encoder has made elsewhere.

        `decoded` is when it is to be decoded, in ticks.
        """
        self._last = max(self._last, coded.shown)
        self._end = max(self._end, coded.shown + coded.duration)
        packet = cast("Packet[VideoStream]", Packet(coded.data))
        packet.stream, packet.time_base = self.stream, self._footage.clock
        packet.pts, packet.dts, packet.duration = coded.shown, decoded, coded.duration
        packet.is_keyframe = coded.is_key
        self._put(packet)

    def encode(self, frame: VideoFrame) -> None:
        """Put a frame into the file."""
        self._last = frame.pts or 0
        self._end = self._last + frame.duration
        if self._counts:
            # Its numbers begin with 0: it expects to have had bits for all before.
            self._offset = self._last if self._offset is None else self._offset
            frame.pts = round((self._last - self._offset) / self._step)
            frame.duration, frame.time_base = 1, 1 / self._footage.rate
        # Some encoders ask the frames what colours they have.
        colour = self._footage.colour
        frame.colorspace, frame.color_range = colour.matrix, 2 if colour.full_range else 1
        frame.color_trc, frame.color_primaries = colour.transfer, colour.primaries
        self._mux(self.stream.encode(frame))

    def finish(self) -> None:
        """Put into the file what is still under way."""
        packets = self.stream.encode(None)
        if packets and not self._counts:
            self._hold(packets[-1])
        self._mux(packets)

    def _hold(self, packet: "Packet[VideoStream]") -> None:
        """Have the packet that is decoded last hold until the picture goes.

        MP4 adds up how long packets last, and this one may be shown before another one.
        """
        if packet.pts is not None and packet.dts is not None:
            held = min(self._end - packet.dts - (self._delay or 0), self._end - packet.pts)
            packet.duration = max(packet.duration or 0, held)

    def _mux(self, packets: "list[Packet[VideoStream]]") -> None:
        for packet in packets:
            if self._delay is None and packet.pts is not None and packet.dts is not None:
                self._delay = packet.pts - packet.dts
            if self._relabel is not None:
                packet = _relabelled(packet, self._relabel)
            if self._counts:
                self._put_in_time(packet)
            self._put(packet)

    def _put_in_time(self, packet: "Packet[VideoStream]") -> None:
        """Give a packet of an encoder that counts frames the times of the footage."""
        offset = self._offset or 0
        packet.time_base = self._footage.clock
        if packet.pts is not None:
            packet.pts = packet.pts * self._step + offset
        if packet.dts is not None:
            packet.dts = packet.dts * self._step + offset
        packet.duration = self._step


def _relabelled(
    packet: "Packet[VideoStream]", relabel: Callable[[bytes], bytes]
) -> "Packet[VideoStream]":
    made = cast("Packet[VideoStream]", Packet(relabel(bytes(packet))))
    made.stream, made.time_base = packet.stream, packet.time_base
    made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
    made.is_keyframe = packet.is_keyframe
    return made


def _stream(target: OutputContainer, told: Settings, footage: Footage) -> VideoStream:
    added = target.add_stream(
        told.encoder,
        rate=footage.rate,
        options=told.options,
        width=footage.width,
        height=footage.height,
        pix_fmt=footage.pixel_format,
        time_base=1 / footage.rate if told.counts else footage.clock,
    )
    stream = cast(VideoStream, added)
    stream.time_base = footage.clock
    context = stream.codec_context
    # Frames side by side, where the encoder can, as the ffmpeg program has it. PyAV's own choice,
    # slices side by side, costs x264 bits, and prores_ks and dnxhd wait for each frame's slowest.
    context.thread_type = "AUTO"
    if target.format.name == "tee":
        # It does not say that the muxer behind it, Matroska's or QuickTime's, wants them apart.
        context.flags |= Flags.global_header
    if told.tag:
        context.codec_tag = told.tag
    context.flags |= Flags.frame_duration
    context.field_order = _FIELD_ORDERS[footage.field_order]
    context.sample_aspect_ratio = footage.pixel_shape
    context.color_range = 2 if footage.colour.full_range else 1
    context.colorspace = footage.colour.matrix
    context.color_trc = footage.colour.transfer
    context.color_primaries = footage.colour.primaries
    if told.profile:
        context.open()
        context.profile = told.profile
    return stream
