"""Tokens that the suite would not make, signed with a user's real key."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import jwt
from pydantic import SecretStr

from services.chassis.vault import Vault


def forged_token(
    data: Path, user_id: str, header: dict[str, Any] | None = None, **changes: Any
) -> str:
    """Sign claims by the key of a user of the suite in `data`; None leaves a claim out."""
    keys = json.loads((data / "keys.json").read_text())
    with closing(sqlite3.connect(data / "db" / "accounts.sqlite")) as database:
        query = "SELECT key_id, private_key FROM users WHERE id = ?"
        key, sealed = database.execute(query, (user_id,)).fetchone()
    vault = Vault(SecretStr(keys["VITASCOPE_ENCRYPTION_KEY"]), "accounts")
    private = vault.open(sealed, f"{user_id}/{key}")
    now = int(time.time())
    claims = {"sub": user_id, "iat": now, "nbf": now, "exp": now + 900, **changes}
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, private, algorithm="EdDSA", headers={"kid": key} | (header or {}))
