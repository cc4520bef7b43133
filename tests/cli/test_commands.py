"""The commands on a folder whose suite does not run."""

import json
import subprocess
import sys
from pathlib import Path

from tests.kit.suite import PASSWORD, VITASCOPE


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*VITASCOPE, *arguments, "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_what_is_printed_is_json_and_what_is_refused_says_why(tmp_path: Path) -> None:
    ada = ("--email", "ada@example.org")
    added = run(tmp_path, "users", "add", *ada, "--password", PASSWORD, "--team", "Restorers")
    assert json.loads(added.stdout).keys() == {"user_id", "team_id"}
    [user] = json.loads(run(tmp_path, "users", "list").stdout)
    assert (user["email"], user["teams"], user["banned"]) == (ada[1], ["Restorers"], False)
    [team] = json.loads(run(tmp_path, "teams", "list").stdout)
    assert (team["name"], team["members"]) == ("Restorers", [ada[1]])
    limits = run(tmp_path, "limits", "set", "--team", "Restorers", "--stored-bytes", str(2**40))
    assert json.loads(limits.stdout)["limits"]["stored_bytes"] == 2**40
    reset = run(tmp_path, "limits", "set", "--team", "Restorers", "--reset", "stored-bytes")
    assert json.loads(reset.stdout)["limits"]["stored_bytes"] == 0

    refused = run(tmp_path, "keys", "list", "--team", "Unknown")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Unknown" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_command_loads_no_database_and_no_kafka() -> None:
    look = "import sys, cli.main; print({'sqlalchemy', 'aiokafka'} & sys.modules.keys())"
    seen = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert seen.stdout == "set()\n"
