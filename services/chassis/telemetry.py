"""What a process tells about itself: logs with the request id and no secrets, metrics, traces."""

import asyncio
import json
import logging
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, start_http_server

from services.chassis.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
RPC_SECONDS = Histogram(
    "vitascope_rpc_seconds",
    "How long RPCs took, by method and status code.",
    ("method", "code"),
    registry=REGISTRY,
)

MASK = "***"
_LINE_SECONDS = 0.01
# To ask whether these are mappings would take longer than all the rest of masking.
_FLAT = frozenset({str, int, float, bool, type(None)})
# URLs and headers may hold credentials: httpx tells the former at INFO, httpcore both at DEBUG.
_QUIET = {"httpx": logging.WARNING, "httpcore": logging.INFO}
_SECRET_WORDS = ("password", "secret", "token", "authorization", "api_key", "internal_key")

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")
_tracer: "Tracer | None" = None


def request_id() -> str:
    """Return the id of the request that runs now; empty outside of requests."""
    return _request_id.get()


def set_request_id(value: str) -> None:
    """Name the request that the current task works for."""
    _request_id.set(value)


def traceparent() -> str:
    """Return the W3C `traceparent` to pass on with calls; empty when there is no trace."""
    return _traceparent.get()


def setup(service_name: str, settings: Settings) -> None:
    """Send this process's logs to stderr as JSON lines, and its traces to the collector if any."""
    _setup_logs(service_name, settings.log_level)
    if settings.otlp_endpoint:
        _setup_traces(service_name, settings.otlp_endpoint)


def start_metrics(address: str) -> Callable[[], None]:
    """Serve the metrics on `HOST:PORT`. Returns what stops it; raises OSError for a taken port."""
    host, _, port = address.rpartition(":")
    server, thread = start_http_server(int(port), addr=host, registry=REGISTRY)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


@contextmanager
def span(name: str, parent: str) -> Iterator[None]:
    """Run the block as a span below the caller's; without a collector, only pass its id on."""
    if _tracer is None:
        _traceparent.set(parent)
        yield
        return
    from opentelemetry import propagate, trace

    context = propagate.extract({"traceparent": parent})
    with _tracer.start_as_current_span(name, context, trace.SpanKind.SERVER):
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        _traceparent.set(carrier.get("traceparent", ""))
        yield


def mask_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of keys that name credentials (a structlog processor)."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: str, value: object) -> object:
    if _is_secret(key):
        return MASK
    if type(value) not in _FLAT and isinstance(value, Mapping):
        return {str(name): _masked(str(name), inner) for name, inner in value.items()}
    return value


# The keys of log lines are few and the lines many; keys of nested mappings may be anything.
@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return any(word in key.lower().replace("-", "_") for word in _SECRET_WORDS)


def _add_request_id(
    _: object, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if current := request_id():
        event["request_id"] = current
    return event


def _setup_logs(service_name: str, level: str) -> None:
    def add_service(
        _: object, __: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event["service"] = service_name
        return event

    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        _add_request_id,
        mask_secrets,
    ]
    rendered = (
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(_json_line),
    )
    handler = _Stderr()
    # Our own lines go straight out: by way of `logging` they would cost twice as much.
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=partial(_Lines, handler),
        cache_logger_on_first_use=True,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for library, loudest in _QUIET.items():
        logging.getLogger(library).setLevel(loudest)


_encode = json.JSONEncoder(default=str).encode


def _json_line(event: Mapping[str, Any], **_: object) -> str:
    # An encoder of one's own: `json.dumps` with options would make one for every line.
    return _encode(event)


class _Stderr(logging.StreamHandler[TextIO]):
    """The one way to stderr. What is no trouble may wait, so that many lines go out in one piece.

    A write lets other threads run, and every change of threads costs as much as the line itself.
    """

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self._waiting: deque[str] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def write_soon(self, line: str) -> None:
        """Write the line within 10 ms; at once where no event loop runs."""
        self._waiting.append(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(_LINE_SECONDS, self.flush)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line of `logging`, behind those that wait."""
        self._write_waiting()
        super().emit(record)

    def flush(self) -> None:
        """Write the lines that wait; `logging` calls this too when the process ends."""
        with self.lock or nullcontext():
            self._loop = None
            self._write_waiting()
            super().flush()

    def _write_waiting(self) -> None:
        lines = []
        # One by one: another thread may add a line meanwhile.
        while self._waiting:
            lines.append(self._waiting.popleft() + "\n")
        self.stream.write("".join(lines))


class _Lines:
    """Takes the lines of one module."""

    def __init__(self, stderr: _Stderr, name: str = "") -> None:
        self.name = name
        self.debug = self.info = stderr.write_soon
        self.warning = self.error = self.critical = self._write_now
        self._stderr = stderr

    def _write_now(self, line: str) -> None:
        self._stderr.write_soon(line)
        self._stderr.flush()


def _setup_traces(service_name: str, endpoint: str) -> None:
    global _tracer
    # The `tracing` extra: a process without a collector runs without these packages.
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service_name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    _tracer = trace.get_tracer("vitascope")
