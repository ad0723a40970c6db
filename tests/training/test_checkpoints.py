"""The checkpoint before the last is kept, and taken where the last cannot be used."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.training.test_loop import make_training

from yolosses.training.checkpoints import (
    fit_weights,
    load_newest,
    load_training,
    previous,
    require_space,
    save_training,
    save_weights,
)
from yolosses.training.data import DataError
from yolosses.training.loop import Training
from yolosses.training.models import Tiny
from yolosses.training.optimizers import sgd


@pytest.fixture
def last(tmp_path: Path) -> Path:
    """Checkpoints after steps 1 and 2."""
    training, path = make_training(), tmp_path / "last.pt"
    steps = training.steps()
    for _ in range(2):
        next(steps)
        save_training(path, training)
    steps.close()
    return path


def with_sgd() -> Training:
    training = make_training()
    return replace(training, optimizer=sgd(training.model, 1e-3))


def test_the_last_one_is_taken(last: Path) -> None:
    training = make_training()
    assert load_newest(last, training) is None
    assert training.place.step == 2


def test_without_any_a_run_is_at_its_beginning(tmp_path: Path) -> None:
    training = make_training()
    assert load_newest(tmp_path / "last.pt", training) is None
    assert training.place.step == 0


@pytest.mark.parametrize("fault", ["truncated", "text", "weights", "optimizer", "missing"])
def test_the_one_before_is_taken_and_the_faulty_one_kept_aside(fault: str, last: Path) -> None:
    match fault:
        case "truncated":
            last.write_bytes(last.read_bytes()[:50_000])
        case "text":
            last.write_text("no checkpoint")
        case "weights":
            save_weights(last, make_training().model.state_dict())
        case "optimizer":
            save_training(last, with_sgd())
            previous(last).unlink()
            save_training(previous(last), make_training())
        case _:
            last.unlink()
    training = make_training()
    found = load_newest(last, training)
    assert training.place.step == (0 if fault == "optimizer" else 1)
    assert not last.exists()
    if fault != "missing":
        assert found is not None
        assert found.startswith(f"{last}: expected ")
        assert "\n" not in found
        assert last.with_name("last-faulty.pt").exists()
    save_training(last, training)
    assert load_newest(last, make_training()) is None


def test_if_none_is_good_that_is_said(last: Path) -> None:
    last.write_text("x")
    previous(last).write_text("y")
    with pytest.raises(DataError) as caught:
        load_newest(last, make_training())
    assert str(caught.value) == (
        f"{last}: expected a checkpoint of yolosses; it cannot be read as one; no good checkpoint is left: "
        "without last.pt and last-1.pt the run begins again"
    )
    assert last.exists()


def test_random_numbers_go_on_too(tmp_path: Path) -> None:
    training = make_training()
    save_training(tmp_path / "last.pt", training)
    expected = torch.rand(3)
    other = make_training()
    load_training(tmp_path / "last.pt", other)
    assert torch.equal(torch.rand(3), expected)


def test_a_disk_too_small_for_a_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Usage:
        free = 12 << 20

    require_space(tmp_path / "last.pt", make_training())
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(OSError, match=r"No space left on device: .*last\.pt"):
        require_space(tmp_path / "last.pt", make_training())


def test_weights_of_another_network(tmp_path: Path) -> None:
    path, model = tmp_path / "model.pt", Tiny(num_classes=2, stride=16)
    with pytest.raises(DataError, match="expected the weights of a finished run; there are none"):
        fit_weights(path, model)
    save_weights(path, Tiny(num_classes=3, stride=16).state_dict())
    with pytest.raises(
        DataError, match=r"model\.pt: expected the weights of this run's network; size mismatch"
    ):
        fit_weights(path, model)
