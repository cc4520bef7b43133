"""audio.convert: what comes out is the sound that went in."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from tests.media.material import FILM
from tests.media.oracles import ffprobe
from tests.media.sound.pieces import Samples, heard, run, tones, write_sound
from vitascope.tasks.v2.specs_pb2 import AudioConvertResult, AudioConvertSpec

KINDS = {
    "mp3": ("audio/mpeg", "audio.mp3", "mp3"),
    "vorbis": ("audio/ogg", "audio.ogg", "ogg"),
    "aac": ("audio/mp4", "audio.m4a", "mov,mp4,m4a,3gp,3g2,mj2"),
}
TAGS = {"title": "Café", "artist": "Ada", "album": "Engines", "genre": "Jazz"}


def converted(path: Path, scratch: Path, codec: str, *, force: bool = False) -> Path:
    """Convert a file and check what every conversion promises."""
    spec = AudioConvertSpec(url="http://a/b", codec=codec, force=force)
    result, told = run(spec, path, scratch)
    (output,) = result.outputs
    message = result.message
    assert isinstance(message, AudioConvertResult)
    content_type, name, _ = KINDS[codec]
    assert (output.name, output.content_type, output.file_name) == ("output", content_type, name)
    assert message.content_type == content_type
    assert told == sorted(told)
    assert told[-1] == 100
    found = ffprobe(output.path)
    assert found["streams"][0]["codec_name"] == codec
    assert found["format"]["format_name"] == KINDS[codec][2]
    return output.path


def noise_below(one: Samples, other: Samples) -> float:
    """Decibels that the difference lies below the first."""
    return 10 * float(np.log10(np.mean(one**2) / np.mean((one - other) ** 2)))


@pytest.mark.parametrize("codec", KINDS)
def test_samples_stay_at_their_place(tmp_path: Path, codec: str) -> None:
    """Delay and padding of encoders are told, and players take them off."""
    samples = tones(2.345, 440, 660)
    path = converted(write_sound(tmp_path / "a.wav", samples, "pcm_s16le"), tmp_path, codec)
    again = heard(path, 48_000, 2)
    # The program of Debian 12 plays the last block of AAC to its end.
    length = samples.shape[1]
    assert length <= again.shape[1] < length + (1024 if codec == "aac" else 1)
    assert noise_below(samples, again[:, :length]) > 20


@pytest.mark.parametrize("codec", ["vorbis", "aac"])
@pytest.mark.parametrize(
    "hertz", [(300, 400, 500, 60, 600, 700), (300, 400, 500, 60, 600, 700, 800, 900)]
)
def test_channels_keep_their_places(tmp_path: Path, codec: str, hertz: tuple[int, ...]) -> None:
    source = tmp_path / "a.wav"
    soundfile.write(source, tones(1, *hertz, loud=0.1).T, 48_000)
    path = converted(source, tmp_path, codec)
    again = heard(path, 48_000, len(hertz))
    for channel, each in zip(again, hertz, strict=True):
        spectrum = np.abs(np.fft.rfft(channel[:48_000]))
        assert int(np.argmax(spectrum)) == pytest.approx(each, abs=2)


@pytest.mark.parametrize("codec", KINDS)
def test_what_decoders_give_last_may_have_no_time(tmp_path: Path, codec: str) -> None:
    samples = tones(1, 440, 660)
    path = converted(
        write_sound(tmp_path / "a.wma", samples, "wmav2", encoder={"b": "128000"}), tmp_path, codec
    )
    # All but the first block, which nothing lies before: the decoder holds it back.
    again = heard(path, 48_000, 2)
    assert again.shape[1] == pytest.approx(48_000 - 1024, abs=1024)
    assert np.sqrt(np.mean(again[:, 20_000:] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


def test_six_channels_become_two_without_clipping(tmp_path: Path) -> None:
    """Left, centre and left surround all at full scale are more than one channel holds."""
    samples = tones(1, *[440] * 6, loud=0.99)
    source = write_sound(tmp_path / "a.wav", samples, "pcm_s16le", layout="5.1")
    again = heard(converted(source, tmp_path, "mp3"), 48_000, 2)
    assert 0.8 < np.abs(again[:, 4800:-4800]).max() < 1.03
    spectrum = np.abs(np.fft.rfft(again[0][:48_000]))
    assert spectrum[1320] < spectrum[440] / 200


@pytest.mark.parametrize(
    ("rate", "made"), [(8000, 8000), (22_050, 22_050), (96_000, 48_000), (88_200, 44_100)]
)
@pytest.mark.parametrize("codec", KINDS)
def test_rates(tmp_path: Path, codec: str, rate: int, made: int) -> None:
    source = write_sound(
        tmp_path / "a.wav", tones(0.5, 440, rate=rate), "pcm_s16le", layout="mono", rate=rate
    )
    (stream,) = ffprobe(converted(source, tmp_path, codec))["streams"]
    assert (int(stream["sample_rate"]), stream["channels"]) == (made, 1)


@pytest.mark.parametrize("codec", KINDS)
def test_tags_go_along(tmp_path: Path, codec: str) -> None:
    source = write_sound(tmp_path / "a.flac", tones(0.5, 440, 440), "flac", tags=TAGS)
    with av.open(str(converted(source, tmp_path, codec))) as made:
        told = {**made.metadata, **made.streams.audio[0].metadata}
    assert {key: {name.lower(): told[name] for name in told}.get(key) for key in TAGS} == TAGS


def test_what_is_in_its_kind_of_file_stays_as_it_is(tmp_path: Path) -> None:
    source = write_sound(tmp_path / "a.mp3", tones(1, 440, 440), "libmp3lame", tags=TAGS)
    assert converted(source, tmp_path, "mp3").read_bytes() == source.read_bytes()
    made = converted(source, tmp_path, "mp3", force=True)
    assert made.read_bytes() != source.read_bytes()
    assert heard(made, 48_000, 2).shape[1] == 48_000


def test_sound_leaves_its_film_untouched(tmp_path: Path) -> None:
    """AAC of an MP4 goes into a file of its own, packet by packet."""
    made = converted(FILM, tmp_path, "aac")
    assert _packets(made) == _packets(FILM)
    assert [stream["codec_type"] for stream in ffprobe(made)["streams"]] == ["audio"]


def test_bare_aac_gets_a_container(tmp_path: Path) -> None:
    source = write_sound(tmp_path / "a.aac", tones(1, 440, 440), "aac")
    made = converted(source, tmp_path, "aac")
    assert heard(made, 48_000, 2).shape == heard(source, 48_000, 2).shape


def _packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(each) for each in container.demux(container.streams.audio[0]) if each.size]


@pytest.mark.parametrize("codec", KINDS)
def test_a_cover_goes_along_where_it_can(tmp_path: Path, codec: str) -> None:
    plain = write_sound(tmp_path / "plain.mp3", tones(0.5, 440, 440), "libmp3lame")
    path = tmp_path / "covered.mp3"
    with av.open(str(plain)) as sound, av.open(str(path), "w") as target:
        picture = target.add_stream("mjpeg", rate=1)
        picture.width, picture.height, picture.pix_fmt = 32, 32, "yuvj420p"
        copy = target.add_stream_from_template(sound.streams.audio[0])
        picture.disposition = av.stream.Disposition.attached_pic
        image = av.VideoFrame(32, 32, "yuvj420p")
        target.mux(picture.encode(image))
        target.mux(picture.encode(None))
        for packet in sound.demux(sound.streams.audio[0]):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    streams = ffprobe(converted(path, tmp_path, codec, force=True))["streams"]
    covers = [each for each in streams if each["disposition"]["attached_pic"]]
    assert len(covers) == (0 if codec == "vorbis" else 1)
