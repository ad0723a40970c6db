"""Files are written whole or not at all, and what the system refuses names the file."""

import errno
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import torch

from yolosses.training.checkpoints import write_tensors
from yolosses.training.files import require_folder, whole_file, write_json, write_text


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file can grow beyond ``size`` bytes, which the writer learns as it does of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_half_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with suppress(KeyboardInterrupt), whole_file(path) as file:
        file.write(b"ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_what_is_left_of_a_killed_writer_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.txt.partial").write_text("from before, and longer")
    write_text(tmp_path / "a.txt", "new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "new")]


@pytest.mark.parametrize("numbers", [100_000, 10_000_000])
def test_a_full_disk_names_the_file_and_leaves_the_old_one(numbers: int, tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    write_tensors(path, {"a": torch.ones(3)})
    before = path.read_bytes()
    with small_disk(50_000), pytest.raises(OSError) as caught:  # noqa: PT011  the attributes say which
        write_tensors(path, {"a": torch.ones(numbers)})
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]


def test_other_errors_of_torch_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises((TypeError, AttributeError)):
        write_tensors(tmp_path / "last.pt", {"a": lambda: None})
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_no_utf8_are_written_with_escapes(tmp_path: Path) -> None:
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    write_text(tmp_path / "a.txt", f"{name} 一\n")
    assert (tmp_path / "a.txt").read_bytes() == b"caf\\udce9.png \xe4\xb8\x80\n"
    write_json(tmp_path / "a.json", {"name": name})
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"name": name}


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("一" * 83 + ".png")  # 253 bytes
    write_text(path, "x")
    assert path.read_text() == "x"


def test_a_folder_that_cannot_be_is_said_at_once(tmp_path: Path) -> None:
    require_folder(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError) as caught:  # noqa: PT011  the attributes say which
            require_folder(path)
        assert caught.value.filename == str(path)
    with small_disk(0), pytest.raises(OSError) as caught:  # noqa: PT011
        require_folder(tmp_path)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(tmp_path))
