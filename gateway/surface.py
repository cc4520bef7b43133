"""What differs between the documented REST surfaces."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.problems import Refusal


@dataclass(frozen=True)
class Surface:
    """The conventions of one documented API.

    `statuses` override the usual HTTP status of a gRPC code. `refuses_unknown` makes a JSON key or
    a query parameter that no field has a 400; otherwise it is ignored. `raw_uploads` says whether
    an upload may be a plain body, `cross_origin` whether pages of listed sites may call it, and
    `challenge` is the `WWW-Authenticate` of a 401.
    """

    name: str
    statuses: Mapping[grpc.StatusCode, int]
    refuses_unknown: bool
    raw_uploads: bool
    cross_origin: bool
    challenge: str
    write_time: Callable[[Timestamp], str]
    time_schema: Mapping[str, Any]
    error_body: Callable[[Refusal], dict[str, Any]]
    error_schema: Mapping[str, Any]
