"""The peer in Python: a proxy for one RPC as one writes it by hand, run by granian.

It does what the gateway does for this request and nothing else: credentials and request id passed
on, the answer by `google.protobuf.json_format`, gRPC errors as HTTP status.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vitascope.accounts.v1.accounts_pb2 import GetAccountRequest
from vitascope.accounts.v1.accounts_pb2_grpc import AccountsServiceStub

STATUSES = {
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.UNAVAILABLE: 503,
}


@asynccontextmanager
async def lifespan(application: Starlette) -> AsyncIterator[None]:
    """Keep one channel to the accounts service for the life of the proxy."""
    async with grpc.aio.insecure_channel(os.environ["VITASCOPE_ACCOUNTS_ADDRESS"]) as channel:
        application.state.accounts = AccountsServiceStub(channel)
        yield


async def account(request: Request) -> Response:
    """Answer `GET /accounts/v1/account`."""
    passed_on = ("authorization", "x-request-id", "traceparent")
    metadata = tuple((name, request.headers[name]) for name in passed_on if name in request.headers)
    try:
        answer = await request.app.state.accounts.GetAccount(GetAccountRequest(), metadata=metadata)
    except grpc.aio.AioRpcError as error:
        status = STATUSES.get(error.code(), 500)
        return JSONResponse({"message": error.details()}, status)
    text = json_format.MessageToJson(
        answer, always_print_fields_with_no_presence=True, indent=None, ensure_ascii=False
    )
    return Response(text, media_type="application/json")


app = Starlette(routes=[Route("/accounts/v1/account", account)], lifespan=lifespan)
