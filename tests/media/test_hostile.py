"""Media that reach for other files and hosts get neither, in this process and in the sandbox."""

import ast
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from services.media.engine.failure import BadMedia
from services.media.engine.kinds import NOT_A_VIDEO, PICTURE, PLAYLIST, TEXT
from services.media.engine.probe import probe
from services.media.operations import REGISTRY, SourceFile
from services.media.sandbox import Ears, Failure, Order, Sandbox
from tests.media.hostile import Canary, dash, elsewhere, film, hls, subtitled, watched
from tests.media.material import unheard
from vitascope.media.v1.operations_pb2 import VideoIngestSpec

NO_VIDEO = {NOT_A_VIDEO, PICTURE, PLAYLIST, TEXT}
# These are films besides, and may be read as far as they go.
FILMS = {"alias.mov", "file.avi", "http.avi", "list.avi"}
PRODUCT = [Path(__file__).parents[2] / room for room in ("services", "gateway", "cli")]


def samples(canary: Canary, folder: Path) -> dict[str, bytes]:
    """Hostile files by name; every one of them names the canary."""
    file, url = str(canary.path), canary.url
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{url}",IV=0x1\n'.encode()
    return {
        "file.m3u8": hls(f"file://{file}"),
        "path.m3u8": hls(file),
        "relative.m3u8": hls(f"{canary.path.parent.name}/{canary.path.name}"),
        "http.m3u8": hls(url),
        "named.mp4": hls(f"file://{file}"),
        "key.m3u8": hls(url).replace(b"#EXTINF", key + b"#EXTINF", 1),
        **{
            f"{protocol}.m3u8": hls(address)
            for protocol, address in {
                "concat": f"concat:{file}|{file}",
                "concatf": f"concatf:{file}",
                "subfile": f"subfile,,start,0,end,188,,:{file}",
                "crypto": f"crypto:file://{file}",
                "crypto+http": f"crypto+{url}",
                "async": f"async:{file}",
                "cache": f"cache:{url}",
                "data": "data:text/plain,concat:" + file,
                "tcp": url.replace("http:", "tcp:"),
                "unix": f"unix:{file}",
                "tee": f"tee:{file}",
                "fd": "fd:",
                "pipe": "pipe:0",
                "ffconcat": f"data:,ffconcat%20version%201.0%0Afile%20'{file}'",
            }.items()
        },
        "master.m3u8": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}.m3u8\n".encode(),
        "list.ffconcat": f"ffconcat version 1.0\nfile '{file}'\n".encode(),
        "relative.ffconcat": f"ffconcat version 1.0\nfile '{canary.path.name}'\n".encode(),
        "list.txt": f"file '{file}'\nfile '{url}'\n".encode(),
        "file.mpd": dash(f"file://{file}"),
        "http.mpd": dash(url),
        "live.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        b"m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "list.ram": f"{url}\nrtsp://127.0.0.1/a\n".encode(),
        "list.asx": f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>'.encode(),
        "list.pls": f"[playlist]\nNumberOfEntries=1\nFile1={url}\n".encode(),
        "list.smil": f'<smil><body><video src="{url}"/></body></smil>'.encode(),
        "script.avs": f'AVISource("{file}")\n'.encode(),
        "script.vpy": f'import vapoursynth\nopen("{file}")\n'.encode(),
        "graph.lavfi": f"movie={file}\n".encode(),
        "drawing.svg": f'<svg xmlns="http://www.w3.org/2000/svg"><use href="{url}"/>'.encode(),
        "ASSETMAP.xml": f"""<?xml version="1.0"?><CompositionPlaylist
 xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Path>{file}</Path></CompositionPlaylist>
""".encode(),
        "page.html": f'<video src="{url}"></video>'.encode(),
        "titles.idx": f"# VobSub index file, v7\nid: en\n# {file}\n".encode(),
        "alias.mov": elsewhere(film(folder), canary.path),
        "file.avi": subtitled(hls(f"file://{file}")),
        "http.avi": subtitled(hls(url)),
        "list.avi": subtitled(f"ffconcat version 1.0\nfile '{file}'\n".encode()),
    }


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    with watched(tmp_path / "canary") as canary:
        yield canary


@pytest.mark.parametrize(
    ("name", "options"),
    # Of DASH the FFmpeg that comes with PyAV is free.
    [
        ("file.m3u8", {}),
        ("path.m3u8", {}),
        ("http.m3u8", {"protocol_whitelist": "file,http,tcp"}),
        ("list.ffconcat", {"safe": "0"}),
        ("alias.mov", {"enable_drefs": "1", "use_absolute_path": "1"}),
    ],
)
def test_the_samples_are_armed(
    canary: Canary, tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    """Opened as a tutorial would do it they reach their aim, and are seen to."""
    path = tmp_path / name
    path.write_bytes(samples(canary, tmp_path)[name])
    assert not canary.touched()
    try:
        with av.open(str(path), options=options) as container:
            next(container.demux(), None)
    except av.error.FFmpegError:
        pass
    assert canary.touched()


def test_nothing_is_reached_from_this_process(canary: Canary, tmp_path: Path) -> None:
    for name, content in samples(canary, tmp_path).items():
        path = tmp_path / name
        path.write_bytes(content)
        said = NOT_A_VIDEO
        try:
            probe(path, unheard)
        except BadMedia as error:
            said = str(error)
        assert said in NO_VIDEO or name in FILMS, name
        assert not canary.touched(), name


@pytest.mark.parametrize("name", ["frame%03d.ts", "frame*.ts", "concat:a.ts|b.ts", "-i.ts", "a\nb"])
def test_a_name_is_only_a_name(canary: Canary, tmp_path: Path, name: str) -> None:
    for other in ("frame001.ts", "a.ts", "b.ts"):
        (tmp_path / other).hardlink_to(canary.path)
    path = tmp_path / name
    path.write_bytes(b"not a film")
    canary.touched()
    with pytest.raises(BadMedia, match="not a video"):
        probe(path, unheard)
    assert not canary.touched()


async def test_nothing_is_reached_from_the_sandbox(
    canary: Canary, sandbox: Sandbox, tmp_path: Path
) -> None:
    kind = REGISTRY["video.ingest"]
    for number, (name, content) in enumerate(samples(canary, tmp_path).items()):
        path = tmp_path / name
        path.write_bytes(content)
        order = Order(
            "account",
            kind.kind,
            VideoIngestSpec(video_id="v").SerializeToString(),
            {"original": SourceFile(path, name, None)},
            kind.limits,
        )
        outcome = await sandbox.run(
            order, tmp_path / f"made{number}", Ears(unheard, _unsaved, _unsaved)
        )
        if isinstance(outcome, Failure):
            assert outcome.message.endswith("."), name
            assert not outcome.retryable, name
        else:
            assert name in FILMS
        assert not canary.touched(), name


def test_ffmpeg_opens_files_to_read_in_one_place_only() -> None:
    """Everywhere else `av.open` is for writing, and nothing else of FFmpeg opens files."""
    for path in sorted(file for room in PRODUCT for file in room.rglob("*.py")):
        tree = ast.parse(path.read_text())
        reads = [_reads(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        if path.match("services/media/engine/reading.py"):
            assert sum(reads) == 1
        elif not path.match("cli/demo.py"):
            # The demonstration decodes what the suite has just made for it, to show that it did.
            assert not any(reads), path
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        # Web pages call a film so too; what reads them has nothing to do with FFmpeg.
        if "pages" not in path.parts:
            filters = {"movie", "amovie", "subtitles", "ass"}
            assert not filters & {str(each) for each in strings}, path
        assert "add_abuffer_from_file" not in names, path


def _reads(call: ast.Call) -> bool:
    """Whether a call may be `av.open` for reading."""
    name = ast.unparse(call.func)
    if name not in ("av.open", "av.container.open", "container.open", "InputContainer"):
        return False
    mode = call.args[1] if len(call.args) > 1 else None
    return not (isinstance(mode, ast.Constant) and mode.value == "w")


def _unsaved(state: bytes) -> None:
    """A state that a test does not look at."""
