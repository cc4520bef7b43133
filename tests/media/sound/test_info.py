"""audio.info: codecs, types and durations, beside what ffmpeg hears."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from services.media.engine.audio.facts import sound_facts
from services.media.engine.failure import BadMedia
from services.media.operations import operation
from tests.media.material import COLLECTION, FILM, SIDEWAYS, collection, make_video, unheard
from tests.media.sound.pieces import heard, run, tones, write_sound
from vitascope.tasks.v2.specs_pb2 import AudioInfoResult, AudioInfoSpec

SPEC = AudioInfoSpec(url="http://a/b")
# What encoders add and do not tell: the block that was begun, and their delay.
UNTOLD = 0.06
SECONDS = 3.2345
RATE = {"b": "128000"}


@pytest.mark.parametrize(
    ("name", "encoder", "codec", "content_type", "slack"),
    [
        ("a.wav", "pcm_s16le", "pcm_s16le", "audio/wav", 0.0),
        ("a.flac", "flac", "flac", "audio/flac", 0.0),
        ("a.mp3", "libmp3lame", "mp3", "audio/mpeg", 0.0),
        ("a.opus", "libopus", "opus", "audio/ogg", 0.0),
        ("a.m4a", "aac", "aac", "audio/mp4", 0.0),
        ("a.aac", "aac", "aac", "audio/aac", UNTOLD),
        ("a.mka", "ac3", "ac3", "audio/x-matroska", UNTOLD),
        ("a.webm", "libopus", "opus", "audio/webm", 0.01),
        ("a.aiff", "pcm_s16be", "pcm_s16be", "audio/aiff", 0.0),
        ("a.wma", "wmav2", "wmav2", "audio/x-ms-wma", UNTOLD),
    ],
)
def test_kinds_of_files(
    tmp_path: Path, name: str, encoder: str, codec: str, content_type: str, slack: float
) -> None:
    path = write_sound(tmp_path / name, tones(SECONDS, 440, 660), encoder, encoder=RATE)
    result, told = run(SPEC, path, tmp_path)
    message = result.message
    assert isinstance(message, AudioInfoResult)
    assert (message.codec, message.content_type) == (codec, content_type)
    assert message.duration == pytest.approx(SECONDS, abs=slack + 0.005)
    assert message.duration == round(message.duration, 2)
    assert told == sorted(told)
    assert told[-1] == 100


def test_changing_bit_rates_without_a_header(tmp_path: Path) -> None:
    """A quiet beginning misleads whoever reckons from the first packets and the size."""
    quiet, loud = np.zeros((2, 480_000), np.float32), tones(10, 300, 500)
    noise = np.random.default_rng(1).normal(0, 0.2, loud.shape).astype(np.float32)
    samples = np.concatenate([quiet, loud + noise], axis=1)
    path = tmp_path / "a.mp3"
    varied = {"flags": "+qscale", "global_quality": "236"}
    write_sound(path, samples, "libmp3lame", options={"write_xing": "0"}, encoder=varied)
    with av.open(str(path)) as container:
        sizes = {packet.size for packet in container.demux() if packet.size}
    assert len(sizes) > 3
    assert float(sound_facts(path, unheard).duration) == pytest.approx(20, abs=UNTOLD)


def test_joined_files_last_as_long_as_all(tmp_path: Path) -> None:
    one = write_sound(tmp_path / "one.opus", tones(2, 440, 660), "libopus")
    both = tmp_path / "both.ogg"
    both.write_bytes(one.read_bytes() * 2)
    assert float(sound_facts(both, unheard).duration) == pytest.approx(4, abs=0.03)


def test_the_sound_of_a_film() -> None:
    facts = sound_facts(FILM, unheard)
    assert facts.content_type == "video/mp4"
    samples = heard(FILM, facts.rate, facts.channels)
    assert float(facts.duration) == pytest.approx(samples.shape[1] / facts.rate, abs=0.025)


# Where the program of Debian 12 counts otherwise: it leaves out holes, decodes less, or does not
# know where an edit list cuts.
OTHERWISE = {
    "audio/wma_silence.wma": 3.67,
    "video/eac3_audio_only.mp4": 1.70,
    "video/mpeg2_mp2_bbb.ts": 2.51,
    "video/mpeg4_amr.3gp": 4.93,
}


@pytest.mark.parametrize("name", collection("audio/", "audio_beats/loop", "video/", without=("",)))
def test_the_collection(tmp_path: Path, name: str) -> None:
    path = COLLECTION / name
    try:
        facts = sound_facts(path, unheard)
    except BadMedia as error:
        assert str(error) == "The file holds no sound."  # noqa: PT017
        assert not len(heard(path, 8000, 1)[0])
        return
    seconds = OTHERWISE.get(name) or heard(path, facts.rate, 1).shape[1] / facts.rate
    assert float(facts.duration) == pytest.approx(seconds, abs=0.02)


@pytest.mark.parametrize("kind", ["audio.info", "audio.convert", "audio.waveform"])
def test_what_holds_no_sound(tmp_path: Path, kind: str) -> None:
    silent = tmp_path / "silent.mp4"
    make_video(silent, [0, 40, 80])
    text, empty, avif = tmp_path / "text", tmp_path / "empty", tmp_path / "a.avif"
    text.write_text("just some words")
    empty.touch()
    Image.new("RGB", (64, 64)).save(avif)
    noise = tmp_path / "noise"
    noise.write_bytes(np.random.default_rng(2).bytes(20_000))
    for path, sentence in {
        silent: "The file holds no sound.",
        SIDEWAYS: "The file is a picture: it holds no sound.",
        avif: "The file is a picture: it holds no sound.",
        text: "The file is a text: it holds no sound.",
        empty: "The file is empty.",
        noise: "The file holds no sound in a format that can be read.",
    }.items():
        with pytest.raises(BadMedia) as refused:
            run(operation(kind).spec_type(url="http://a/b"), path, tmp_path)
        assert str(refused.value) == sentence


@pytest.mark.parametrize("name", collection("hostile/", "hostile_made/"))
def test_hostile_files_end_in_facts_or_a_sentence(tmp_path: Path, name: str) -> None:
    try:
        result, _ = run(SPEC, COLLECTION / name, tmp_path)
    except BadMedia as refused:
        assert str(refused).endswith(".")  # noqa: PT017
        return
    assert isinstance(result.message, AudioInfoResult)
    assert 0 < result.message.duration < 120
