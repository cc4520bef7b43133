"""Signs addresses of an S3 server for a PUT, in the ways in which clients of AWS do.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit


def signed_v4(
    url: str,
    access_key: str,
    secret_key: str,
    headers: Mapping[str, str] | None = None,
    *,
    seconds: int = 600,
    at: float | None = None,
) -> str:
    """Sign for a PUT with these headers, and the host, by AWS's fourth version."""
    place = urlsplit(url)
    moment = time.gmtime(at)
    day, now = time.strftime("%Y%m%d", moment), time.strftime("%Y%m%dT%H%M%SZ", moment)
    signed = {"host": place.netloc, **(headers or {})}
    names = ";".join(sorted(signed))
    scope = f"{day}/us-east-1/s3/aws4_request"
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{access_key}/{scope}",
        "X-Amz-Date": now,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": names,
    }
    asked = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
    lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
    request = "\n".join(["PUT", place.path, asked, *lines, "", names, "UNSIGNED-PAYLOAD"])
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, digest])
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"{url}?{asked}&X-Amz-Signature={signature}"


def signed_v2(
    url: str, access_key: str, secret_key: str, content_type: str = "", *, seconds: int = 600
) -> str:
    """Sign for a PUT, with a Content-Type or with none, by AWS's second version."""
    expires = int(time.time()) + seconds
    text = f"PUT\n\n{content_type}\n{expires}\n{urlsplit(url).path}"
    signature = base64.b64encode(hmac.digest(secret_key.encode(), text.encode(), "sha1")).decode()
    query = {"AWSAccessKeyId": access_key, "Signature": signature, "Expires": str(expires)}
    return f"{url}?{urlencode(query)}"
