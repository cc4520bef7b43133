"""A worker's folder is its own while it lives, and swept when it died."""

from pathlib import Path

import pytest

from services.media.worker import scratch
from services.media.worker.scratch import own_folder


def film_in(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    film = folder / "film"
    film.write_text("a film")
    return film


def died(folder: Path) -> Path:
    """Leave a worker's folder as a kill leaves it; returns a file in it."""
    with own_folder(folder.parent, folder.name) as own:
        left = [path.name for path in own.iterdir()]
    for name in left:
        folder.mkdir(exist_ok=True)
        (folder / name).touch()
    return film_in(folder / "items")


def test_a_folder_is_empty_and_gone_in_the_end(tmp_path: Path) -> None:
    film = film_in(tmp_path / "one" / "items")
    with own_folder(tmp_path, "one") as folder:
        assert folder == tmp_path / "one"
        assert not film.exists()
        film_in(folder / "items")
    assert list(tmp_path.iterdir()) == []


def test_the_dead_are_swept_the_living_and_strangers_are_not(tmp_path: Path) -> None:
    with own_folder(tmp_path, "living") as living:
        mine, strangers = film_in(living), film_in(tmp_path / "somebody" / "else")
        alone = film_in(tmp_path)
        left = died(tmp_path / "dead")
        with own_folder(tmp_path, "new"):
            assert not left.exists()
            assert not (tmp_path / "dead").exists()
            assert mine.exists()
            assert strangers.exists()
            assert alone.exists()


def test_a_name_is_for_one_living_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_SECONDS_TO_WAIT", 0.3)
    with own_folder(tmp_path, "one") as folder:
        film = film_in(folder)
        with pytest.raises(TimeoutError, match="another worker uses"), own_folder(tmp_path, "one"):
            pass
        assert film.exists()
    with own_folder(tmp_path, "one"):
        assert not film.exists()
