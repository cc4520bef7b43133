"""`make demo`: the whole suite from nothing, one real video and one real task through it."""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import httpx
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

CLIPS = Path(__file__).parents[1] / "tests" / "media" / "clips"
VIDEO = CLIPS / "big_buck_bunny.mp4"
PICTURE = CLIPS / "bunny_sideways.jpg"
EMAIL, PASSWORD = "demo@vitascope.example", "correct horse battery"
PATIENCE_SECONDS = 120.0

console = Console(highlight=False, soft_wrap=True)


class DemoFailedError(Exception):
    """Something that the demo promises did not happen."""


def main() -> None:
    """Run the demo; the exit status is 0 only if all of it happened."""
    folder = Path(tempfile.mkdtemp(prefix="vitascope-demo-"))
    try:
        with suite(folder / "suite") as url, httpx.Client(base_url=url, timeout=60) as client:
            processed = video_walk(client, folder)
            thumbnail = task_walk(folder)
    except (DemoFailedError, httpx.HTTPError, subprocess.CalledProcessError) as error:
        console.print(f"[red]The demo failed:[/] {error}\nLogs are in {folder / 'suite' / 'logs'}")
        raise SystemExit(1) from error
    shutil.rmtree(folder / "suite")
    console.print(f"\nAll of it worked. The files are here:\n  {processed}\n  {thumbnail}")


@contextmanager
def suite(data: Path) -> Iterator[str]:
    """Start the embedded suite and yield its address."""
    console.print(f"Starting the suite in {data}")
    command = vitascope("up", "--data", str(data), "--http", "127.0.0.1:0")
    with subprocess.Popen(
        [*command, "--allow-loopback-sources"], stdout=subprocess.PIPE, text=True
    ) as up:
        try:
            line = up.stdout.readline() if up.stdout else ""
            if not line.startswith("ready "):
                raise DemoFailedError("the suite did not start")
            yield line.split()[1]
        finally:
            up.terminate()
            up.wait()
    console.print("The suite has stopped")


def vitascope(*arguments: str) -> list[str]:
    """The command line of this installation."""
    return [sys.executable, "-m", "cli.main", *arguments]


def ask(*arguments: str) -> dict[str, str]:
    """Run a command that answers JSON."""
    done = subprocess.run(vitascope(*arguments), stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def video_walk(client: httpx.Client, folder: Path) -> Path:
    """Upload, ingest, process and download a video; returns the file."""
    data = str(folder / "suite")
    user = ask("users", "add", "--data", data, "--email", EMAIL, "--password", PASSWORD)
    console.print(f"Made the user {EMAIL} with the id {user['user_id']}")
    token = answer(client.get("/accounts/v1/token", auth=(EMAIL, PASSWORD)))["jwtToken"]
    client.headers["Authorization"] = f"Bearer {token}"
    project = answer(client.put("/videos/v1/project", json={"name": "Demo"}))["project"]
    body = {"name": "Big Buck Bunny", "projectId": project["id"]}
    video = answer(client.put("/videos/v1/video", json=body))
    with VIDEO.open("rb") as file:
        files = {"file": (VIDEO.name, file, "video/mp4")}
        uploaded = answer(client.post(video["uploadMediaUrl"], files=files))
    console.print(f"Uploaded {VIDEO.name}, {VIDEO.stat().st_size:,} bytes")
    check = uploaded["checkIngestProgressUrl"]
    follow("Ingesting", lambda: answer(client.get(check))["ingestionState"], "ingestionStatus")
    target = {
        "mediaContainerCodec": {"container": "mp4", "codec": "h264"},
        "scaler": "scale",
        "resolution": {"tag": "2x"},
    }
    started = answer(client.post(video["processVideoUrl"], json=target))
    check = started["checkProgressUrl"]
    follow("Processing", lambda: answer(client.get(check))["processingState"], "processingStatus")
    path = folder / "big_buck_bunny_2x.mp4"
    download(client, started["downloadMediaUrl"], path)
    compare(VIDEO, path)
    return path


def task_walk(folder: Path) -> Path:
    """Make a thumbnail of a picture that is served here; returns the file."""
    path = folder / "thumbnail.jpg"
    with served(PICTURE.parent) as address:
        wanted = ("--url", f"{address}/{PICTURE.name}", "--width=160", "--height=160", "--crop")
        made = ("--data", str(folder / "suite"), "--output", str(path))
        status = ask("task", "run", "image.thumb", *wanted, *made, "--json")
    with Image.open(path) as image:
        image.load()
        if image.size != (160, 160):
            raise DemoFailedError(f"the thumbnail is {image.size}")
    console.print(f"image.thumb made a picture of 160 x 160 as task {status['key']}")
    return path


def answer(response: httpx.Response) -> Any:
    """The JSON of a good answer."""
    if not response.is_success:
        raise DemoFailedError(f"{response.request.url} answered {response.text}")
    return response.json()


def follow(label: str, state: Callable[[], dict[str, Any]], status: str) -> None:
    """Show a progress bar until a state is DONE."""
    columns = (TextColumn("{task.description:12}"), BarColumn(), TaskProgressColumn())
    deadline = time.monotonic() + PATIENCE_SECONDS
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        bar = bars.add_task(label, total=100)
        while time.monotonic() < deadline:
            now = state()
            bars.update(bar, completed=now.get("processingProgressPercent", 0))
            if now[status] == "DONE":
                bars.update(bar, completed=100)
                return
            if now[status] == "ERROR":
                raise DemoFailedError(f"{label} failed: {now.get('errorMessage')}")
            time.sleep(0.1)
    raise DemoFailedError(f"{label} took longer than {PATIENCE_SECONDS:.0f} s")


def download(client: httpx.Client, url: str, path: Path) -> None:
    """Stream a file to disk."""
    with client.stream("GET", url) as response, path.open("wb") as file:
        if not response.is_success:
            raise DemoFailedError(f"{url} answered {response.status_code}")
        for chunk in response.iter_bytes():
            file.write(chunk)


def compare(source: Path, processed: Path) -> None:
    """Decode both files and check what was asked for: twice the size, as long, with sound."""
    before, after = decoded(source), decoded(processed)
    frame = 1 / before["fps"]
    same_length = abs(before["seconds"] - after["seconds"]) <= frame
    twice = after["size"] == tuple(2 * side for side in before["size"])
    if not (same_length and twice and after["frames"] == before["frames"] and after["samples"]):
        raise DemoFailedError(f"{processed} is not what was asked for: {before} became {after}")
    width, height = after["size"]
    console.print(
        f"Decoded the result: {after['frames']} frames of {width} x {height},"
        f" {after['seconds']:.2f} s, {after['samples']:,} audio samples"
    )


def decoded(path: Path) -> dict[str, Any]:
    """What decoding a whole file shows."""
    frames = samples = 0
    size = (0, 0)
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        for frame in container.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                frames += 1
                size = (frame.width, frame.height)
            elif isinstance(frame, av.AudioFrame):
                samples += frame.samples
        fps = float(video.average_rate or 0)
    return {"frames": frames, "size": size, "samples": samples, "fps": fps, "seconds": frames / fps}


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP on a free loopback port."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the demo has its own words."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    main()
