"""audio.waveform: the peaks that ffmpeg hears too, drawn where they belong."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from services.media.engine.audio.facts import sound_facts
from services.media.engine.audio.waveform import Levels, peaks
from services.media.engine.failure import BadMedia
from tests.media.material import COLLECTION, FILM, collection, unheard
from tests.media.sound.pieces import heard, run, tones, write_sound
from vitascope.tasks.v2.specs_pb2 import AudioWaveformResult, AudioWaveformSpec


def drawn(path: Path, scratch: Path, **wanted: Any) -> Image.Image:
    """The picture that a spec makes of a file, as shades of grey."""
    spec = AudioWaveformSpec(url="http://a/b", **wanted)
    result, told = run(spec, path, scratch)
    (output,) = result.outputs
    assert output.name == "output"
    assert output.content_type == f"image/{spec.format}"
    assert output.file_name == {"png": "waveform.png", "jpeg": "waveform.jpg"}[spec.format]
    message = result.message
    assert isinstance(message, AudioWaveformResult)
    assert (message.width, message.height) == (spec.width, spec.height)
    assert message.content_type == output.content_type
    assert told == sorted(told)
    assert told[-1] == 100
    with Image.open(output.path) as image:
        assert image.size == (spec.width, spec.height)
        assert image.format == spec.format.upper()
        return image.convert("RGB")


def expected(
    path: Path, rate: int, channels: int, columns: int, start: float, end: float
) -> Levels:
    """The range of the samples of each column, the least row first, by whole arrays."""
    samples = heard(path, rate, channels)
    edges = start + np.arange(columns + 1) * (end - start) / columns
    bounds = np.ceil(edges * rate - 1e-6).astype(int)
    parts = [samples[:, a:b] for a, b in pairwise(bounds)]
    levels = np.array([[part.min() for part in parts], [part.max() for part in parts]])
    clipped: Levels = np.clip(levels.astype(float), -1, 1)
    return clipped


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="film"),
        *collection(
            "audio/folk", "audio/party", "audio/vbr_", "audio/wav", "audio/bear", "audio/al"
        ),
    ],
)
@pytest.mark.parametrize(("share", "until"), [(0.0, 1.0), (0.55, 0.8)])
def test_peaks(name: str, share: float, until: float) -> None:
    path = COLLECTION / name if name else FILM
    facts = sound_facts(path, unheard)
    length = float(facts.duration)
    start, end = share * length, until * length
    low, high = peaks(path, facts, 200, start, None if until == 1 else end, unheard)
    least, most = expected(path, facts.rate, facts.channels, 200, start, end)
    # Neighbours touch, which may move an edge inwards of the other's.
    assert np.all(low <= least + 0.02)
    assert np.all(high >= most - 0.02)
    near = (np.abs(low - least) < 0.02) & (np.abs(high - most) < 0.02)
    assert np.mean(near) > 0.97


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s32le", "pcm_f32le", "pcm_f64le"])
def test_loudness_of_every_sort_of_sample(tmp_path: Path, codec: str) -> None:
    samples = np.concatenate([tones(1, 500, 700, loud=0.25), tones(1, 500, 700, loud=0.75)], axis=1)
    path = write_sound(tmp_path / "a.wav", samples, codec)
    low, high = peaks(path, sound_facts(path, unheard), 10, 0, None, unheard)
    assert high == pytest.approx([0.25] * 5 + [0.75] * 5, abs=0.02)
    assert low == pytest.approx([-0.25] * 5 + [-0.75] * 5, abs=0.02)


def test_channels_against_each_other_are_not_silent(tmp_path: Path) -> None:
    one = tones(1, 500)
    path = write_sound(tmp_path / "a.wav", np.concatenate([one, -one]), "pcm_s16le")
    _, high = peaks(path, sound_facts(path, unheard), 10, 0, None, unheard)
    assert high == pytest.approx([0.5] * 10, abs=0.01)


def test_eight_channels_in_planes_of_their_own(tmp_path: Path) -> None:
    source = tmp_path / "a.ogg"
    soundfile.write(source, tones(0.2, *range(100, 900, 100), loud=0.5).T, 48_000)
    low, high = peaks(source, sound_facts(source, unheard), 10, 0, None, unheard)
    assert low == pytest.approx(-0.5, abs=0.1)
    assert high == pytest.approx(0.5, abs=0.1)


def test_colours_margins_and_shape(tmp_path: Path) -> None:
    samples = np.concatenate([np.zeros((2, 48_000), np.float32), tones(1, 500, 500, loud=1.0)], 1)
    path = write_sound(tmp_path / "a.wav", samples, "pcm_s16le")
    look = {"fill": "#f00", "background": "#0000FF", "vmargin": 10, "format": "png"}
    pixels = np.asarray(drawn(path, tmp_path, width=100, height=60, **look)).astype(int)
    red, blue = pixels[:, :, 0], pixels[:, :, 2]
    assert np.all(abs(red + blue - 255) <= 1)
    assert not red[:10].any()
    assert not red[50:].any()
    # Full scale fills what is between the margins, silence is a line as thin as a pixel.
    assert np.all(red[11:49, 52:99] == 255)
    assert np.all(abs(red[:, 1:49].sum(axis=0) - 255) <= 2)
    assert not red[:28, 1:49].any()
    assert not red[32:, 1:49].any()


def test_defaults_are_black_on_white(tmp_path: Path) -> None:
    pixels = np.asarray(drawn(FILM, tmp_path, format="jpeg"))
    assert pixels.shape == (60, 1024, 3)
    assert pixels.min() < 10
    assert pixels[0].mean() > 200


def test_fewer_samples_than_columns(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tones(0.01, 200, rate=8000), "pcm_s16le", layout="mono",
                       rate=8000)  # fmt: skip
    image = drawn(path, tmp_path, width=1000, height=80, format="png")
    # No column is empty: the wave is one line.
    assert np.all((255 - np.asarray(image)[:, :, 0].astype(int)).sum(axis=0) > 200)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"start": 99.0}, "The part to draw begins beyond the end of the sound."),
        ({"vmargin": 30}, "Margins of 30 pixels leave no room in a height of 60."),
    ],
)
def test_refusals(tmp_path: Path, wanted: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadMedia) as refused:
        run(AudioWaveformSpec(url="http://a/b", **wanted), FILM, tmp_path)
    assert str(refused.value) == sentence
