"""Work for a suite that is being broken: what clients ask for, and what they were promised."""

import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import uuid4

import grpc
import httpx
from PIL import Image

from services.chassis.tokens import sign_service_token
from tests.kit.clips import CLIPS
from tests.kit.suite import PASSWORD, Whole
from tests.kit.waiting import wait_for
from tests.media.material import make_video
from vitascope.work.v1.work_pb2 import STATE_CANCELLED, CancelItemsRequest, CancelItemsResponse
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub

EMAIL = "ada@example.org"
PATIENCE_SECONDS = 120.0
TOKEN_SECONDS = 600.0
NOT_NOW = (502, 503, 504)
BATCH = 20
BACKLOG = 160
"""So many tasks wait or run at most: creates go on as long as items do."""
PICTURES = ("bunny.jpg", "bunny.png", "bunny.gif")
FILM = "film.mp4"


Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Wish:
    """A task as it is asked for; `good` when nothing but a cancellation keeps it from success."""

    definition: Mapping[str, Any]
    good: bool


@dataclass
class Promises:
    """What the suite has answered 200 for: tasks by key, cancelled ones, videos by id."""

    tasks: dict[str, Wish] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    ingested: list[str] = field(default_factory=list)
    processed: list[str] = field(default_factory=list)


def make_sources(folder: Path) -> None:
    """Write small real files: pictures, a film of four seconds, and what is neither."""
    folder.mkdir()
    with Image.open(CLIPS / "bunny_sideways.jpg") as picture:
        picture.thumbnail((320, 320))
        for name in PICTURES:
            picture.convert("P" if name.endswith("gif") else "RGB").save(folder / name)
    (folder / "words.txt").write_text("These are words, not a picture.")
    make_video(folder / FILM, range(0, 4000, 40))


class Client:
    """Somebody who asks by REST and, where there was no answer, asks again. Use as a context."""

    def __init__(self, suite: Whole, source: str, rng: random.Random) -> None:
        self.promises = Promises()
        self._suite = suite
        self._source = source
        self._rng = rng
        self._http = httpx.Client(base_url=suite.url, timeout=30)
        suite.run("users", "add", "--email", EMAIL, "--password", PASSWORD)
        self._secret = suite.run("keys", "add", "--email", EMAIL)["secret"]
        self._token, self._token_until = "", 0.0

    def create_tasks(self) -> None:
        """Have a batch of tasks accepted; sometimes ask twice, sometimes call some off."""
        wishes = [self._wish() for _ in range(BATCH)]
        name = {"Idempotency-Key": uuid4().hex, "Authorization": f"Secret {self._secret}"}
        body = {"tasks": [wish.definition for wish in wishes]}

        def create() -> httpx.Response:
            return self._http.post("/v2/create", json=body, headers=name)

        keys = [task["key"] for task in insist(create).json()]
        if self._rng.random() < 0.2:
            assert [task["key"] for task in insist(create).json()] == keys, "a repeat made others"
        self.promises.tasks |= zip(keys, wishes, strict=True)
        if self._rng.random() < 0.3:
            self._cancel(self._rng.sample(keys, 2))

    def statuses(self) -> dict[str, dict[str, Any]]:
        """What the API says of all accepted tasks, by key."""
        found: dict[str, dict[str, Any]] = {}
        keys = list(self.promises.tasks)
        for start in range(0, len(keys), 500):
            body = {"tasks": keys[start : start + 500], "details": True}
            ask = partial(self._http.post, "/v2/status", json=body)
            found |= {status["key"]: status for status in insist(ask).json()}
        return found

    def process_film(self, path: Path) -> None:
        """Have a film uploaded, ingested and converted."""
        video = self.upload(path)
        self.finish_ingestion(video)
        target = {
            "mediaContainerCodec": {"container": "mp4", "codec": "h264"},
            "resolution": {"tag": "2x"},
            "scaler": "scale",
        }
        answer = insist(
            lambda: self._http.post(
                f"/videos/v1/process-video/{video}", json=target, headers=self._bearer()
            )
        )
        processed = answer.json()["processedVideoId"]
        self.promises.ingested.append(video)
        self.promises.processed.append(processed)
        self._until_done(processed, "check-process-video-progress", "processing")

    def finish_ingestion(self, video: str) -> None:
        """Wait until a video is ingested."""
        self._until_done(video, "check-ingest-video-progress", "ingestion")

    def get(self, url: str) -> httpx.Response:
        """Read a file or a state."""
        return insist(lambda: self._http.get(url, headers=self._bearer()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def upload(self, path: Path) -> str:
        """Upload until an upload is answered; a broken one costs its video."""

        def upload() -> str:
            created = insist(
                lambda: self._http.put("/videos/v1/video", json={}, headers=self._bearer())
            )
            video: str = created.json()["videoId"]
            try:
                answer = self._http.post(
                    f"/media/v1/upload/{video}",
                    files={"file": (FILM, path.read_bytes(), "video/mp4")},
                    headers=self._bearer(),
                )
            except httpx.TransportError:
                return ""
            return video if answer.is_success else ""

        return wait_for(upload, seconds=PATIENCE_SECONDS, what="an upload to be answered")

    def _until_done(self, video: str, route: str, name: str) -> None:
        def done() -> bool:
            state = self.get(f"/videos/v1/{route}/{video}").json()[f"{name}State"]
            assert state[f"{name}Status"] != "ERROR", state
            return bool(state[f"{name}Status"] == "DONE")

        wait_for(done, seconds=PATIENCE_SECONDS, what=f"the {name} of {video}")

    def _bearer(self) -> dict[str, str]:
        if time.monotonic() > self._token_until:
            answer = insist(lambda: self._http.get("/accounts/v1/token", auth=(EMAIL, PASSWORD)))
            self._token = answer.json()["jwtToken"]
            self._token_until = time.monotonic() + TOKEN_SECONDS
        return {"Authorization": f"Bearer {self._token}"}

    def _cancel(self, keys: list[str]) -> None:
        request = CancelItemsRequest(owner="tasks", request_ids=keys)
        internal_key = self._suite.secrets()["VITASCOPE_INTERNAL_KEY"]

        def cancel() -> CancelItemsResponse | None:
            token = sign_service_token("tasks", internal_key, time.time())
            credential = (("authorization", f"Service {token}"),)
            try:
                return ledger.CancelItems(request, metadata=credential, timeout=10)
            except grpc.RpcError:
                return None

        with grpc.insecure_channel(f"ipv4:{self._suite.addresses()['tasks']}") as channel:
            ledger = LedgerServiceStub(channel)
            items = until_answered(cancel).items
        self.promises.cancelled |= {item.item_id for item in items if item.state == STATE_CANCELLED}

    def _wish(self) -> Wish:
        picture = f"{self._source}/{self._rng.choice(PICTURES)}"
        kinds: list[tuple[int, dict[str, Any], bool]] = [
            (45, {"task_name": "image.info", "url": picture}, True),
            (40, {"task_name": "image.thumb", "url": picture, "width": 48}, True),
            (5, {"task_name": "image.info", "url": f"{self._source}/words.txt"}, False),
            (4, {"task_name": "image.thumb", "url": f"{self._source}/nothing.jpg"}, False),
            (3, {"task_name": "image.thumb"}, False),
            (3, {"task_name": "image.wish"}, False),
        ]
        weights = [weight for weight, _, _ in kinds]
        [(_, definition, good)] = self._rng.choices(kinds, weights)
        return Wish(definition, good)


def insist(call: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask until the answer is another than "not now"; it has to be a good one."""

    def answer() -> httpx.Response | None:
        try:
            response = call()
        except httpx.TransportError:
            return None
        return None if response.status_code in NOT_NOW else response

    response = until_answered(answer)
    assert response.is_success, f"{response.status_code} {response.text}"
    return response


def until_answered(call: Callable[[], Answer | None]) -> Answer:
    """Call until there is an answer."""

    def look() -> list[Answer]:
        answer = call()
        return [] if answer is None else [answer]

    return wait_for(look, seconds=PATIENCE_SECONDS, what="an answer")[0]


def all_at_once(*jobs: Callable[[], None]) -> None:
    """Do jobs in threads; raises what the first of them raises that fails."""
    with ThreadPoolExecutor(len(jobs)) as threads:
        for job in as_completed([threads.submit(job) for job in jobs]):
            job.result()


def pour(client: Client, suite: Whole, enough: Callable[[], bool]) -> None:
    """Have tasks accepted as quickly as they end, until there are enough."""
    while not enough():
        wait_for(
            lambda: len(client.promises.tasks) - suite.ended() < BACKLOG,
            seconds=PATIENCE_SECONDS,
            what="tasks to end",
        )
        client.create_tasks()
