"""What can go wrong around a command: disks, signals, kills, files and names. One line is said, and nothing is lost."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.apps.cli.command import Begun
from tests.apps.cli.test_cli import write_pictures
from tests.training.test_files import small_disk

from yolosses.apps.cli import main, train
from yolosses.apps.runs import steps
from yolosses.apps.runs.failures import failure_line
from yolosses.apps.runs.interrupt import StopBetweenSteps, ignore_signals, stop_on_signals

SMALL = ("--image-size", "64", "--batch-size", "4", "--device", "cpu")
ONE_EPOCH = ("train", "shapes", *SMALL, "--epochs", "1", "--out")
NAME = b"caf\xe9".decode("utf-8", "surrogateescape")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small data set, ``shapes``, a run trained on it, ``run``, and a file, ``afile``."""
    root = tmp_path_factory.mktemp("faults")
    write_pictures(root / "shapes", "train", range(24))
    write_pictures(root / "shapes", "val", range(24, 28))
    (root / "shapes" / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
    (root / "afile").touch()
    done = subprocess.run(
        [sys.executable, "-m", "yolosses", *ONE_EPOCH, "run"], cwd=root, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def work(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def signals() -> Iterator[None]:
    """Leaves signals as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Command:
    """Runs a command in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Exit code, output, errors."""
        self.monkeypatch.setattr(sys, "argv", ["yolosses", *map(str, arguments)])
        self.monkeypatch.setenv("COLUMNS", "120")
        code = main._code()
        output, errors = self.capsys.readouterr()
        return code, output, errors

    def succeed(self, *arguments: object) -> str:
        code, output, errors = self(*arguments)
        assert (code, errors) == (0, "")
        return output

    def fail(self, *arguments: object) -> str:
        """The one line, without the name of the program."""
        code, _, errors = self(*arguments)
        assert code == 2
        (line,) = errors.splitlines()
        assert line.startswith("yolosses: ")
        return line.removeprefix("yolosses: ")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], signals: None) -> Command:
    return Command(monkeypatch, capsys)


def steps_of(log: Path) -> list[int]:
    return [json.loads(line)["step"] for line in log.read_text().splitlines()]


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


# ------------------------------------------------------------ what the system refuses


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "shapes", *SMALL, "--epochs", "1"),
        ("demo", "--minutes", "0.01"),
        ("predict", "run", "shapes/images/val"),
        ("explain", "run"),
        ("explain", "run", "--image", "shape-25.png"),
        ("inspect", "shapes"),
        ("compare", "shapes", "--losses", "v1", "--epochs-each", "1", "--image-size", "64"),
        ("study", "shapes", "--vary", "lambda_coord=1,5", "--epochs-each", "1", "--image-size", "64"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("out", ["afile", "afile/below"])
def test_out_that_cannot_be_a_folder(
    arguments: tuple[str, ...], out: str, work: Path, command: Command
) -> None:
    line = command.fail(*arguments, "--out", out)
    assert f"{out}: expected a folder; " in line
    assert line.endswith("is a file")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "run/last.pt"), "no space left for run/last.pt"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "run/last.pt"), "no space left for run/last.pt"),
        (OSError(errno.ENOSPC, "No space left on device"), "no space left for the output"),
        (
            OSError(errno.EROFS, "Read-only file system", "run"),
            "run: expected to be allowed to read or write here; read-only file system",
        ),
        (
            OSError(errno.EACCES, "Permission denied", "run"),
            "run: expected to be allowed to read or write here; permission denied",
        ),
        (OSError(errno.EIO, "Input/output error", "a.png"), "a.png: input/output error"),
        (OSError("something inside"), None),
        (ValueError("a bug"), None),
    ],
)
def test_the_line_of_an_error(error: Exception, line: str | None) -> None:
    assert failure_line(error) == line


def test_a_full_disk_loses_what_came_after_the_last_checkpoint(
    work: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("train", "shapes", *SMALL, "--epochs", "2", "--out", "full")
    monkeypatch.setattr(steps, "SAVE_EVERY_SECONDS", 0.0)
    saved = 0

    def fills_up(path: Path, training: Any) -> None:
        nonlocal saved
        saved += 1
        with small_disk(10_000_000 if saved > 3 else 100_000_000):
            save(path, training)

    save = steps.save_training
    with monkeypatch.context() as patch:
        patch.setattr(steps, "save_training", fills_up)
        assert command.fail(*arguments) == "no space left for full/last.pt"
    assert not list((work / "full").glob("*.partial"))
    output = command.succeed(*arguments)
    assert "the run in full is resumed after step 3" in output
    assert steps_of(work / "full/log.jsonl") == list(range(1, 13))


def test_a_disk_that_is_full_when_the_pictures_are_drawn(work: Path, command: Command) -> None:
    with small_disk(1000):
        assert command.fail("predict", "run", "shapes/images/val", "--out", "found") == (
            "no space left for found/shape-24.png"
        )
        assert command.fail("inspect", "shapes", "--out", "looked") == (
            "no space left for looked/inspection.json"
        )
    assert not list((work / "found").iterdir())
    assert not list((work / "looked").iterdir())


# ------------------------------------------------------------ stopped, killed, and begun again


def test_the_same_command_goes_on_with_its_run(
    work: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(train, "draw_terms", interrupt)
        assert command(*ONE_EPOCH, "twice")[::2] == (130, "yolosses: interrupted\n")
    assert command.fail(*ONE_EPOCH, "twice", "--seed", "1") == (
        "--out twice: expected a new or empty folder, or that of a run with the same settings; "
        "the run there has seed 0, not 1"
    )
    output = command.succeed(*ONE_EPOCH, "twice")
    assert "the run in twice is resumed after step 6" in output
    assert (work / "twice/metrics.json").is_file()
    assert "the run there is finished" in command.fail(*ONE_EPOCH, "twice")
    assert "it is finished, after 6 steps" in command.succeed(*ONE_EPOCH, "twice", "--resume")


@pytest.mark.parametrize("resume", [(), ("--resume",)])
@pytest.mark.parametrize("settings", [None, '{"data": "sha', "whole"])
def test_a_run_killed_before_its_first_checkpoint_begins_again(
    settings: str | None, resume: tuple[str, ...], work: Path, command: Command
) -> None:
    folder = work / f"early-{settings}-{len(resume)}"
    folder.mkdir()
    (folder / "log.jsonl").write_text('{"step": 1, "epo')
    if settings is not None:
        text = (work / "run/run.json").read_text() if settings == "whole" else settings
        (folder / "run.json").write_text(text)
    command.succeed(*ONE_EPOCH, folder, *resume)
    assert steps_of(folder / "log.jsonl") == list(range(1, 7))
    assert (folder / "log.jsonl").read_text().count("\n") == 6


def test_a_longer_budget_is_kept(work: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command.succeed(*ONE_EPOCH, "longer")

    with monkeypatch.context() as patch:
        patch.setattr(train, "train_to_the_end", interrupt)
        assert command("train", "shapes", "--epochs", "2", "--out", "longer", "--resume")[0] == 130
    command.succeed("train", "shapes", "--out", "longer", "--resume")
    assert steps_of(work / "longer/log.jsonl") == list(range(1, 13))


SAVE_OFTEN = """
import torch
from yolosses.apps.runs import steps
steps.SAVE_EVERY_SECONDS = 0.2
torch.set_num_threads(1)
"""


def test_a_killed_run_ends_as_if_it_had_not_been(work: Path) -> None:
    """Bitwise, on one thread."""
    arguments = ["train", "shapes", *SMALL, "--epochs", "4", "--out"]
    assert Begun(*arguments, "whole", cwd=work, first=SAVE_OFTEN).end().returncode == 0
    log = work / "killed/log.jsonl"
    for step in (3, 14):
        process = Begun(*arguments, "killed", cwd=work, first=SAVE_OFTEN)
        process.wait_for(lambda step=step: log.is_file() and log.read_bytes().count(b"\n") >= step)
        process.send_signal(signal.SIGKILL)
        assert process.end().returncode == -signal.SIGKILL
    assert Begun(*arguments, "killed", cwd=work, first=SAVE_OFTEN).end().returncode == 0

    def rows(out: str) -> list[dict[str, Any]]:
        lines = (work / out / "log.jsonl").read_text().splitlines()
        return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]

    assert rows("killed") == rows("whole")
    assert len(rows("whole")) == 24
    one, other = (torch.load(work / out / "model.pt", weights_only=True) for out in ("killed", "whole"))
    assert one.keys() == other.keys()
    for name, weights in one.items():
        assert torch.equal(weights, other[name]), name
    assert not list((work / "killed").glob("*.partial"))


def test_a_checkpoint_that_cannot_be_read_costs_the_steps_since_the_one_before(
    work: Path, command: Command
) -> None:
    command.succeed(*ONE_EPOCH, "torn")
    command.succeed("train", "shapes", "--epochs", "2", "--out", "torn", "--resume")
    last = work / "torn/last.pt"
    last.write_bytes(last.read_bytes()[:100_000])
    output = command.succeed("train", "shapes", "--epochs", "2", "--out", "torn", "--resume")
    assert (
        "torn/last.pt: expected a checkpoint of yolosses; it cannot be read as one; going on from" in output
    )
    assert "the run in torn is resumed after step 6" in output
    assert steps_of(work / "torn/log.jsonl") == list(range(1, 13))


@pytest.mark.parametrize("arguments", [("eval",), ("predict", "shapes/images/val"), ("explain",)])
def test_weights_that_are_cut_off(arguments: tuple[str, ...], work: Path, command: Command) -> None:
    cut = work / "cut"
    cut.mkdir(exist_ok=True)
    (cut / "run.json").write_bytes((work / "run/run.json").read_bytes())
    (cut / "model.pt").write_bytes((work / "run/model.pt").read_bytes()[:1000])
    line = command.fail(arguments[0], "cut", *arguments[1:])
    assert line == "cut/model.pt: expected a checkpoint of yolosses; it cannot be read as one"


def test_data_that_changed_are_said(work: Path, command: Command) -> None:
    write_pictures(work / "grows", "train", range(8))
    write_pictures(work / "grows", "val", range(8, 10))
    (work / "grows/data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
    begin = ("train", "grows", *SMALL, "--epochs", "1", "--out", "grown")
    command.succeed(*begin)
    (work / "grows/labels/val/shape-08.txt").write_text("")
    assert "the data changed since the run was trained: val: 3 objects then, 2 now" in command.succeed(
        "eval", "grown"
    )
    (work / "grows/images/train/shape-00.png").unlink()
    (work / "grows/labels/train/shape-00.txt").unlink()
    resume = ("train", "grows", "--out", "grown", "--resume", "--epochs")
    output = command.succeed(*resume, "3")
    assert "the data changed since step 2: train: 8 pictures then, 7 now" in output
    assert "data changed" not in command.succeed(*resume, "5")
    for index in range(1, 6):
        (work / f"grows/images/train/shape-{index:02d}.png").unlink()
    assert "--batch-size: expected at most 2, the pictures to learn from; got 4" in command.fail(*resume, "9")


# ------------------------------------------------------------ signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_waits_for_the_step_the_second_does_not(
    number: signal.Signals, signals: None
) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    stop_on_signals()
    with StopBetweenSteps() as stop:
        os.kill(os.getpid(), number)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    ignore_signals()
    os.kill(os.getpid(), number)


def test_nohup_is_respected(signals: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop_on_signals()
    with StopBetweenSteps() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
    assert not stop.asked


# ------------------------------------------------------------ names, terminals, pipes


@pytest.fixture
def named(work: Path) -> Path:
    """A data set whose folder, one picture and its labels have names that are no UTF-8."""
    root = work / f"data-{NAME}"
    if not root.exists():
        write_pictures(root, "train", range(8))
        write_pictures(root, "val", range(8, 10))
        (root / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
        for folder, suffix in (("images", "png"), ("labels", "txt")):
            for split, index in (("train", 3), ("val", 8)):
                path = root / folder / split / f"shape-{index:02d}.{suffix}"
                path.rename(path.with_name(f"{NAME}-{index}.{suffix}"))
        with (root / f"labels/train/{NAME}-3.txt").open("a") as file:
            file.write("9 0.5 0.5 0.1 0.1\n")
    return root


def test_names_that_are_no_utf8(named: Path, work: Path) -> None:
    out = f"run-{NAME}"
    commands = [
        ("train", named.name, *SMALL, "--epochs", "1", "--out", out),
        ("eval", out),
        ("predict", out, f"{named.name}/images/val"),
        ("explain", out),
        ("explain", out, "--image", f"{NAME}-8.png"),
        ("inspect", named.name, "--out", f"{out}/inspected", "--lang", "zh-TW"),
    ]
    script = (
        "import sys\nfrom yolosses.apps.cli import main\n"
        f"for arguments in {commands!r}:\n"
        "    sys.argv = ['yolosses', *arguments]\n"
        "    try:\n        main.main()\n    except SystemExit as end:\n        assert not end.code, arguments\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "120"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"caf\\udce9-8.png" in done.stdout
    assert "caf\\udce9-3.txt, line 3: class 9" in (work / out / "problems.txt").read_text("utf-8")
    found = json.loads((work / out / "predictions/predictions.json").read_text("utf-8"))
    assert f"{NAME}-8.png" in {Path(image["file_name"]).name for image in found["images"]}
    assert (work / out / f"predictions/{NAME}-8.png").is_file()


def test_a_reader_that_stops_hears_nothing_more(work: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "yolosses", "predict", "run", "shapes/images/val", "--out", "unheard"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        timeout=120,
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode in (1, 141)


def test_what_a_data_base_refuses_is_one_line() -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy.exc")
    full = sqlalchemy.OperationalError("INSERT INTO trials", {}, OSError("database or disk is full"))
    assert failure_line(full) == "--storage: database or disk is full"
    optuna = pytest.importorskip("optuna.exceptions")
    wrapped = optuna.StorageInternalError("An exception is raised during the commit.")
    wrapped.__cause__ = full
    assert failure_line(wrapped) == "--storage: database or disk is full"
