"""How an S3 request proves who sends it: AWS Signature Version 4, in headers."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Credentials:
    """A key of a storage's operator; `token` comes with keys that are lent for hours."""

    access_key: str
    secret_key: str
    token: str = ""


def query_text(query: Mapping[str, str]) -> str:
    """Return the query as it has to be sent and signed: sorted, and percent-encoded once."""
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items())
    )


def signed_headers(
    method: str,
    host: str,
    path: str,
    query: str,
    body: bytes,
    credentials: Credentials,
    region: str,
    at: datetime,
) -> dict[str, str]:
    """Return the headers that sign a request to S3, its body included; `path` is as sent.

    The server compares the body with its hash, so bytes that are damaged on their way are
    refused. Source: "Signature Calculations for the Authorization Header", Amazon S3 API reference.
    """
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "host": host,
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-amz-date": moment,
    }
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join((method, path, query, lines, names, headers["x-amz-content-sha256"]))
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join((_ALGORITHM, moment, scope, digest))
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = f"Credential={credentials.access_key}/{scope}"
    signature = f"SignedHeaders={names}, Signature={key.hex()}"
    return {**headers, "authorization": f"{_ALGORITHM} {credential}, {signature}"}
