"""Users and teams as the Accounts endpoints show them."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from services.accounts.model import Team, User
from vitascope.accounts.v1 import accounts_pb2 as messages


def rendered_user(user: User) -> messages.User:
    """Return the user's message; the signature secret must be in clear text."""
    return messages.User(
        id=user.id,
        name=user.name,
        email=user.email,
        email_confirmed=user.email_confirmed,
        auth_signature_method="EdDSA",
        auth_signature_public_key=user.public_key,
        auth_signature_public_key_id=user.key_id,
        banned=user.banned,
        banned_reason=user.banned_reason,
        banned_date=rendered_time(user.banned_at) if user.banned_at else None,
        api_request_signature_secret=user.signature_secret,
        api_request_signature_method="HMAC-SHA256" if user.signature_secret else None,
        date_created=rendered_time(user.created_at),
        time_last_updated=rendered_time(user.updated_at),
    )


def rendered_team(team: Team) -> messages.Team:
    """Return the team's message."""
    return messages.Team(
        id=team.id,
        name=team.name,
        date_created=rendered_time(team.created_at),
        time_last_updated=rendered_time(team.updated_at),
    )


def rendered_time(moment: datetime) -> Timestamp:
    """Return the moment's message."""
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
