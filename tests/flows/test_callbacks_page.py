"""What the page about callbacks shows tells right signatures from wrong ones."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.tasks.actions.callbacks import signature
from tests.kit.servers import absent

PAGE = Path(__file__).parents[2] / "docs" / "callbacks.md"
BODY = '{"status":"success","result":{"title":"Voyage “dans” la Lune"}}'
Check = Callable[[str, str, str], bool]


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return str(found)


def in_python(secret: str, signed: str, body: str) -> bool:
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102
    return bool(names["comes_from_vitascope"](secret, signed, body.encode()))


def in_node(secret: str, signed: str, body: str) -> bool:
    node = shutil.which("node")
    if node is None:
        absent("no node")
    given = ", ".join([json.dumps(secret), json.dumps(signed), f"Buffer.from({json.dumps(body)})"])
    script = f"{block('js')}\nconsole.log(comesFromVitascope({given}));"
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True)
    return bool(json.loads(done.stdout))


@pytest.mark.parametrize("is_right", [in_python, in_node])
def test_signatures(is_right: Check) -> None:
    now = datetime.now(UTC)
    signed = signature("ours", now, BODY.encode())
    assert is_right("ours", signed, BODY)
    assert not is_right("theirs", signed, BODY)
    assert not is_right("ours", signed, BODY.replace("success", "error"))
    assert not is_right("ours", signed.replace("t=1", "t=2"), BODY)
    assert not is_right("ours", signed[:-2], BODY)
    old = signature("ours", now - timedelta(minutes=6), BODY.encode())
    assert not is_right("ours", old, BODY)
