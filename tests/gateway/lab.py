"""A service of this room's own, made for its tests, and the gateway in front of it."""

import asyncio
import hashlib
import hmac
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import grpc
from google.api import annotations_pb2
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_tools import protoc  # type: ignore[import-untyped]
from pydantic import SecretStr

from gateway.addresses import networks
from gateway.admission import Admission
from gateway.app import Gateway
from gateway.channels import Channels
from gateway.transcode import Limits
from services.chassis.clients import Clients
from services.chassis.errors import (
    DETAILS_KEY,
    Conflict,
    Exhausted,
    Forbidden,
    Internal,
    Invalid,
    NotFound,
    OutOfRange,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Violation,
    VitascopeError,
    WrongState,
    to_status,
)
from services.chassis.settings import Settings
from vitascope.accounts.v1.internal_pb2 import (
    CheckOriginResponse,
    ResolveSignatureRequest,
    ResolveSignatureResponse,
)
from vitascope.accounts.v1.internal_pb2_grpc import (
    IdentityServiceServicer,
    IdentityServiceStub,
    add_IdentityServiceServicer_to_server,
)

KEY = "a key of these tests, thirty-two characters or more"
HERE = Path(__file__).parent
PROTOS = HERE.parents[1] / "protos"
PACKAGE = "vitascope.media.lab"
LIMITS = Limits(body_bytes=2**16, upload_bytes=8 * 2**20, call_seconds=20)

ERRORS: dict[str, VitascopeError] = {
    "invalid": Invalid("not good", violations=[Violation("tasks", "must have 1 item")]),
    "nested": Invalid("not good", violations=[Violation("range.start", "is late")]),
    "secret": Unauthenticated("who are you"),
    "forbidden": Forbidden("not yours", reason="UserBannedException"),
    "missing": NotFound("no such thing"),
    "conflict": Conflict("taken"),
    "state": WrongState("not yet"),
    "range": OutOfRange("outside", metadata={"http-header-content-range": "bytes */5"}),
    "limits": Exhausted("too many", retry_after=2.2),
    "large": TooLarge("too large"),
    "away": Unavailable("gone fishing", retry_after=7),
    "internal": Internal("the database password is hunter2"),
}


@cache
def lab_file() -> FileDescriptor:
    """Compile lab.proto and put it into the process's descriptor pool, once."""
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / "lab.binpb"
        includes = [HERE, PROTOS, Path(annotations_pb2.__file__).parents[2]]
        includes.append(Path(str(files("grpc_tools"))) / "_proto")
        arguments = [f"-I{path}" for path in includes]
        assert protoc.main(["", *arguments, f"--descriptor_set_out={image}", "lab.proto"]) == 0
        compiled = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(compiled.file[0].SerializeToString())
    return pool.FindFileByName("lab.proto")


def message(name: str) -> Any:
    """Return a message class of the lab."""
    return GetMessageClass(lab_file().message_types_by_name[name])


class Accounts(IdentityServiceServicer):
    """Lets in the listed origins and those who sign with the hash itself."""

    def __init__(self) -> None:
        self.listed = {"https://listed.test"}
        self.origins_asked: list[str] = []
        self.signed: list[ResolveSignatureRequest] = []

    async def CheckOrigin(self, request: Any, context: Any) -> CheckOriginResponse:
        self.origins_asked.append(request.origin)
        if request.origin == "https://away.test":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "gone fishing")
        return CheckOriginResponse(listed=request.origin in self.listed)

    async def ResolveSignature(self, request: Any, context: Any) -> ResolveSignatureResponse:
        self.signed.append(request)
        signature = signature_of(
            request.timestamp, request.method, request.path, request.body_sha256
        )
        if request.signature != signature:
            error = Unauthenticated("the signature does not match")
            code, text, details = to_status(error)
            await context.abort(code, text, ((DETAILS_KEY, details),))
        return ResolveSignatureResponse(jwt_token=f"token-of-{request.key_id}")


def signature_of(timestamp: str, method: str, path: str, digest: str) -> str:
    """Return what signs a request in this lab: HMAC-SHA256 over four lines."""
    text = f"{timestamp}\n{method}\n{path}\n{digest}"
    return hmac.new(KEY.encode(), text.encode(), "sha256").hexdigest()


class Lab:
    """What the service saw; tests look here."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.waiting = asyncio.Event()
        self.pause_seconds = 0.0
        self.pieces_sent = 0
        self.last_sent = time.monotonic()
        self.uploads: list[Any] = []
        # Where the bytes of `lent` lie, if anywhere.
        self.lent = ""
        self.lines: asyncio.Queue[Any] = asyncio.Queue()
        self.accounts = Accounts()  # type: ignore[abstract]

    def quiet_seconds(self) -> float:
        """How long ago the last piece of a download was asked for."""
        return time.monotonic() - self.last_sent

    async def Echo(self, request: Any, context: Any) -> Any:
        if request.text == "hang":
            await self._hang()
        if request.text == "limited":
            await context.send_initial_metadata((("http-header-ratelimit-remaining", "7"),))
        if request.text == "created":
            head = (("http-status", "201"), ("http-header-location", "/lab/1"))
            await context.send_initial_metadata(head)
        return request

    async def Sign(self, request: Any, context: Any) -> Any:
        metadata = {key: value for key, value in context.invocation_metadata()}
        leaked = bool(request.secret or request.api_key)
        return message("SignResponse")(metadata=metadata, tasks=request.tasks, leaked=leaked)

    async def Fail(self, request: Any, context: Any) -> Any:
        if request.code == "slow":
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "slow")
        if request.code == "crash":
            raise RuntimeError("the database password is hunter2")
        if request.code == "limits":
            head = (("http-header-ratelimit-remaining", "0"), ("http-header-content-length", "5"))
            await context.send_initial_metadata((*head, ("http-status", "206")))
        code, text, details = to_status(ERRORS[request.code or "invalid"])
        await context.abort(code, text, ((DETAILS_KEY, details),))

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        if request.count == 7:
            await self._hang()
        if request.count < 0:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such count")
        for number in range(request.count):
            yield message("WatchResponse")(number=number)
        if request.count == 13:
            await context.abort(grpc.StatusCode.NOT_FOUND, "lost on the way")

    async def Follow(self, request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            while request.endless or (line := await self.lines.get()) is not None:
                if request.endless:
                    line = message("Line")(text="x" * 2**16)
                    self.pieces_sent += 1
                    self.last_sent = time.monotonic()
                yield line
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.set()
            raise

    async def Fetch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        if request.path == "hang":
            await self._hang()
        if request.path == "none":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such file")
        if request.path == "same":
            await context.send_initial_metadata((("http-status", "304"),))
            yield HttpBody()
            return
        piece = b"0123456789abcdef" * 2**16
        count = 2048 if request.path == "endless" else 3
        length = str(count * len(piece))
        head = [("http-header-content-length", length), ("http-header-etag", '"1"')]
        if request.path == "lent":
            head.append(("http-file", self.lent))
        await context.send_initial_metadata(
            [*head, ("http-status", "206")] if request.range else head
        )
        try:
            for number in range(count):
                if request.path == "torn" and number == 2:
                    await context.abort(grpc.StatusCode.INTERNAL, "torn")
                self.pieces_sent += 1
                self.waiting.set()
                self.last_sent = time.monotonic()
                yield HttpBody(content_type="" if number else "video/mp4", data=piece)
        finally:
            self.cancelled.set()

    async def Store(self, requests: AsyncIterator[Any], context: Any) -> Any:
        if ("authorization", "Refused") in context.invocation_metadata():
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you")
        first = await anext(requests)
        await asyncio.sleep(self.pause_seconds)
        if first.name == "hang":
            await self._hang()
        if first.name == "refused":
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you")
        answer = message("StoreResponse")(
            name=first.name, file_name=first.file_name, content_type=first.file.content_type
        )
        self.uploads.append(answer)
        self.waiting.set()
        digest = hashlib.sha256()
        async for piece in requests:
            answer.whole = piece.ByteSize() == 0
            answer.size += len(piece.file.data)
            answer.largest_piece = max(answer.largest_piece, len(piece.file.data))
            digest.update(piece.file.data)
        answer.sha256 = digest.hexdigest()
        if not answer.whole:
            self.cancelled.set()
        return answer

    async def Keep(self, requests: AsyncIterator[Any], context: Any) -> Any:
        return await self.Store(requests, context)

    async def Describe(self, request: Any, context: Any) -> Any:
        await context.send_initial_metadata((("http-header-x-takes", "anything"),))
        return request

    async def _hang(self) -> None:
        self.waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


def handlers(lab: Lab) -> Iterator[tuple[str, Any]]:
    """Yield the gRPC handler of each of the lab's methods."""
    kinds: dict[tuple[bool, bool], Callable[..., Any]] = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
    }
    for rpc in lab_file().services_by_name["LabService"].methods:
        make = kinds[rpc.client_streaming, rpc.server_streaming]
        yield (
            rpc.name,
            make(
                getattr(lab, rpc.name),
                request_deserializer=GetMessageClass(rpc.input_type).FromString,
                response_serializer=GetMessageClass(rpc.output_type).SerializeToString,
            ),
        )


@asynccontextmanager
async def running_lab() -> AsyncIterator[tuple[Lab, Gateway]]:
    """Run the lab's server and yield it with a gateway that routes to nothing else."""
    lab = Lab()
    server = grpc.aio.server()
    generic = grpc.method_handlers_generic_handler(f"{PACKAGE}.LabService", dict(handlers(lab)))
    server.add_generic_rpc_handlers((generic,))
    add_IdentityServiceServicer_to_server(lab.accounts, server)
    health = HealthServicer()
    await health.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    address = f"127.0.0.1:{port}"
    channels = Channels(lambda _: address)
    settings = Settings(
        internal_key=SecretStr(KEY), encryption_key=SecretStr(KEY), accounts_address=address
    )
    clients = Clients(settings, "gateway")
    admission = Admission(clients.stub(IdentityServiceStub), networks("127.0.0.0/8"))
    try:
        yield lab, Gateway([lab_file()], channels, LIMITS, "http://lab.test", admission)
    finally:
        await clients.close()
        await channels.close()
        await server.stop(None)
