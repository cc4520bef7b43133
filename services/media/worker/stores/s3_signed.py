"""The store `s3_signed`: one HTTP PUT to an address that a customer of an S3 server has signed.

What a signed address takes follows from how it was signed:

- AWS's fourth version (and Google's) names the headers under the signature in its query. Those
  whose value is known here are sent; others, such as x-amz-acl, have a value that only the signer
  knows, and the server would refuse the file after all of it was sent. A Content-Type that is not
  among them may be sent and becomes the object's.
- AWS's second version (and Google's) always has the Content-Type under the signature, most often
  as empty, and does not say so.
- Headers that begin with x-amz- must not be added to what was signed: no checksums.

The body has a Content-Length: S3 takes no chunked encoding there.
"""

import html
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from services.chassis.outside import (
    FilePart,
    OutsideError,
    OutsideFailed,
    OutsideRefused,
    Policy,
    Reply,
    retry_after,
    send,
    worth_retrying,
)
from services.chassis.outside.urls import checked
from services.media.operations import BadMedia, Output
from services.media.worker.stores.sending import Sending
from vitascope.media.v1.internal_pb2 import Destination

_OTHER_SIGNATURE = "SignatureDoesNotMatch"
# S3 says these with statuses that other servers mean for good.
_PASSING = frozenset({"RequestTimeout", "OperationAborted", "ConditionalRequestConflict"})
_SENT_ANYWAY = frozenset({"host", "content-length", "content-type", "x-amz-content-sha256"})
_CREDENTIAL_LENGTH = 8


class S3Signed:
    """Sends a file to the signed address."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def send(self, destination: Destination, sending: Sending) -> str:
        """Put the file there; the object's address, without the signature.

        Another attempt may do the same at the same time: it sends the same bytes to the same
        object. Raises OutsideError.
        """
        url = destination.s3_signed.url
        problem: OutsideError = OutsideRefused("There is no way to send the file.")
        for headers in _ways(url, sending.delivery.file.content_type):
            reply = await send(
                "PUT",
                url,
                policy=self._policy,
                headers=headers,
                body=FilePart(sending.path, sending.size),
                on_sent=lambda sent: sending.progress(sent / sending.size),
            )
            if 200 <= reply.status < 300:
                return str(checked(url).copy_with(query=None, fragment=None))
            code = _said(reply, "Code", url)
            problem = _problem(reply, code, url)
            if code != _OTHER_SIGNATURE:
                break
        raise problem


def the_one(outputs: tuple[Output, ...]) -> Output:
    """The output that is sent. Raises BadMedia where it is not one."""
    if len(outputs) != 1:
        raise BadMedia(f"a signed address takes one file, and the task made {len(outputs)}")
    return outputs[0]


def _ways(url: str, content_type: str) -> Iterator[dict[str, str]]:
    """The headers to send the file with, the likeliest first. Raises OutsideRefused."""
    query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
    typed = {"content-type": content_type}
    listed = query.get("x-amz-signedheaders") or query.get("x-goog-signedheaders")
    if listed is not None:
        signed = frozenset(listed.lower().split(";"))
        if unknown := sorted(signed - _SENT_ANYWAY):
            raise OutsideRefused(
                f"The address was signed together with headers whose values it does not tell: "
                f"{', '.join(unknown)}."
            )
        rest = {name: "UNSIGNED-PAYLOAD" for name in signed & {"x-amz-content-sha256"}}
        yield typed | rest
        if "content-type" not in signed:
            yield rest
    elif "signature" in query:
        yield {}
        yield typed
    else:
        yield typed


def _problem(reply: Reply, code: str, url: str) -> OutsideError:
    said = ": ".join(filter(None, (code, _said(reply, "Message", url))))
    message = f"The server {reply.host} answered the file with status {reply.status}"
    message = f"{message}, {said}" if said else message
    message = message.rstrip(".") + "."
    if worth_retrying(reply.status) or code in _PASSING:
        return OutsideFailed(message, retry_after(reply.headers.get("retry-after", "")))
    return OutsideRefused(message)


def _said(reply: Reply, element: str, url: str) -> str:
    """What an error of S3 says in one of its elements, unless it repeats what is secret."""
    found = re.search(
        rf"<{element}>([^<]{{1,300}})</{element}>", reply.body.decode("utf-8", "replace")
    )
    text = " ".join(html.unescape(found[1]).split()) if found else ""
    secrets = [value for _, value in parse_qsl(urlsplit(url).query)]
    if any(len(each) >= _CREDENTIAL_LENGTH and each in unquote(text) for each in secrets):
        return ""
    return text
