"""Users, teams and Tasks API keys: what they are and what holds for them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from services.chassis.errors import (
    Conflict,
    Exhausted,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Violation,
    WrongState,
)

PASSWORD_LENGTHS = range(8, 129)

# No colon: HTTP Basic takes what stands before the first one for the address.
_EMAIL = re.compile(r"[^@:\s]+@[^@:\s]+")


class EmailTaken(Conflict):
    """Someone signs in with this address already."""


class TeamTaken(Conflict):
    """Another team has this name."""


class UnknownUser(NotFound):
    """There is no such user."""


class UnknownTeam(NotFound):
    """There is no such team."""


class UnknownKeys(NotFound):
    """There are no such Tasks API keys."""


class AmbiguousKeys(Conflict):
    """Several Tasks API keys begin so."""


class NotInTeam(Forbidden):
    """The user does not belong to the team."""


class NoMember(NotFound):
    """The user is no member of the team."""


class OnlyTeam(WrongState):
    """A user always has a team."""


class LockedOut(Exhausted):
    """Too many failures: no password is checked for a while."""


class InvalidSignature(Unauthenticated):
    """A signed request whose signature is wrong or whose time is over."""

    reason = "InvalidSignatureException"


class ReplayedSignature(Unauthenticated):
    """A signed request that came before."""

    reason = "ReplayedSignatureException"


@dataclass(frozen=True)
class User:
    """A person who may sign in. `private_key` and `signature_secret` are encrypted at rest."""

    id: str
    name: str
    email: str
    email_confirmed: bool
    password_hash: str = field(repr=False)
    key_id: str
    public_key: str
    private_key: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    signature_secret: str | None = field(default=None, repr=False)
    banned: bool = False
    banned_reason: str | None = None
    banned_at: datetime | None = None


@dataclass(frozen=True)
class Team:
    """A group of users; the account of the Tasks API."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class AccountKeys:
    """A secret and an API key of a team, as hashes, and the pages that may use the API key.

    `prefix` is the beginning of the API key, by which people tell keys apart.
    """

    id: str
    team_id: str
    user_id: str
    secret_hash: str
    api_key_hash: str
    prefix: str
    referrers: tuple[str, ...]
    created_at: datetime


def normal_email(given: str) -> str:
    """Return the address in the form under which it is kept. Raises Invalid."""
    email = given.strip().casefold()
    if not _EMAIL.fullmatch(email):
        description = "must be an e-mail address"
        raise Invalid(f"email {description}.", violations=[Violation("email", description)])
    return email


def check_password(password: str) -> None:
    """Raise Invalid for a password that is too short or too long."""
    if len(password) not in PASSWORD_LENGTHS:
        description = f"must have {PASSWORD_LENGTHS[0]} to {PASSWORD_LENGTHS[-1]} characters"
        violation = Violation("newPassword", description)
        raise Invalid(f"newPassword {description}.", violations=[violation])


def is_listed(referrer: str, patterns: Iterable[str]) -> bool:
    """Return whether a page is among the listed ones.

    A pattern is the beginning of an address, with or without the scheme, or `*.` and a domain for
    all hosts below it. Hosts are compared whole: `https://a.example` does not list
    `https://a.example.org`.
    """
    try:
        page = urlsplit(referrer)
        return page.hostname is not None and any(_lists(pattern, page) for pattern in patterns)
    except ValueError:
        return False


def listed_host(pattern: str) -> str:
    """Return the host that a pattern lists, `*.` and a domain for all below it; "" for none."""
    if pattern.startswith("*."):
        return pattern.lower()
    try:
        return (_split(pattern).hostname or "").lower()
    except ValueError:
        return ""


def hosts_listing(origin: str) -> list[str]:
    """Return all that `listed_host` may say of patterns that list pages of the origin."""
    try:
        host = (urlsplit(origin).hostname or "").lower()
    except ValueError:
        return []
    labels = host.split(".")
    above = ["*." + ".".join(labels[start:]) for start in range(1, len(labels))]
    return [host, *above] if host else []


def lists_origin(origin: str, patterns: Iterable[str]) -> bool:
    """Return whether any page of the origin (scheme, host and port) is among the listed ones."""
    try:
        page = urlsplit(origin)
        return page.hostname is not None and any(_lists_host(p, page) for p in patterns)
    except ValueError:
        return False


def _lists(pattern: str, page: SplitResult) -> bool:
    if pattern.startswith("*."):
        return _lists_host(pattern, page)
    return _lists_host(pattern, page) and _path(page).startswith(_path(_split(pattern)))


def _lists_host(pattern: str, page: SplitResult) -> bool:
    host = (page.hostname or "").lower()
    if pattern.startswith("*."):
        return host.endswith(pattern[1:].lower())
    listed = _split(pattern)
    return (
        listed.scheme in ("", page.scheme)
        and (listed.hostname or "").lower() == host
        and listed.port in (None, page.port)
    )


def _split(pattern: str) -> SplitResult:
    return urlsplit(pattern if "//" in pattern else f"//{pattern}")


def _path(address: SplitResult) -> str:
    path = address.path or "/"
    return f"{path}?{address.query}" if address.query else path
