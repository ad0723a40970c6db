"""Who does which run: resuming, sharing, dead workers. The runs themselves are numbers here."""

import copy
import multiprocessing
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

from optuna.storages import JournalStorage  # noqa: E402

from yolosses.studies.ablation.queue import Queue, open_storage  # noqa: E402
from yolosses.studies.ablation.structures import Result, Setting  # noqa: E402
from yolosses.training.data import DataError  # noqa: E402

LEVELS: dict[str, tuple[Any, ...]] = {"lambda_coord": (1.0, 5.0), "confidence_target": ("iou", "one")}
DEFINITION = {
    "vary": {k: list(v) for k, v in LEVELS.items()},
    "objective": "map50",
    "seeds": 2,
    "sampler": "grid",
}


def queue_at(path: Path, **changes: Any) -> Queue:
    return Queue(open_storage(str(path)), "study", {**DEFINITION, **changes})


def result(setting: Setting, seed: int, trial: Any, map50: float = 0.5) -> Result:
    return Result(trial=trial.number, setting=setting, seed=seed, measures={"map50": map50})


def test_every_setting_runs_with_every_seed_all_settings_first(tmp_path: Path) -> None:
    queue, seen = queue_at(tmp_path / "j"), []
    queue.enqueue(LEVELS, 2)

    def measure(setting: Setting, seed: int, trial: Any) -> Result:
        seen.append((seed, setting["lambda_coord"], setting["confidence_target"]))
        return result(setting, seed, trial)

    queue.run(measure)
    assert seen == [(s, c, t) for s in (0, 1) for c in (1.0, 5.0) for t in ("iou", "one")]
    assert queue.states() == {"complete": 8}
    assert {(r.seed, *r.setting.values()) for r in queue.results()} == set(seen)
    assert queue.results()[0].measures == {"map50": 0.5}


def test_more_seeds_add_their_runs_only(tmp_path: Path) -> None:
    first = queue_at(tmp_path / "j")
    first.enqueue(LEVELS, 2)
    first.run(result)
    second, seen = queue_at(tmp_path / "j", seeds=3), []
    second.enqueue(LEVELS, 3)
    second.run(lambda setting, seed, trial: (seen.append(seed), result(setting, seed, trial))[1])
    assert seen == [2] * 4
    assert second.definition["seeds"] == 3
    assert queue_at(tmp_path / "j").definition["seeds"] == 3  # fewer do not take any away


@pytest.mark.parametrize("left", ['{"op_code"', '{"op_code"{"op_code": 4}\n', '{"op_code": 4}'])
def test_a_journal_whose_disk_was_full_goes_on(left: str, tmp_path: Path) -> None:
    first = queue_at(tmp_path / "j")
    first.enqueue(LEVELS, 1)
    with (tmp_path / "j").open("a") as file:
        file.write(left)
    second = queue_at(tmp_path / "j")
    second.run(result)
    assert queue_at(tmp_path / "j").states() == {"complete": 4}


def test_another_definition_is_refused(tmp_path: Path) -> None:
    queue_at(tmp_path / "j")
    with pytest.raises(
        DataError, match=r"objective: expected map50 as in the study that is there already; got f1"
    ):
        queue_at(tmp_path / "j", objective="f1")


def test_a_run_that_was_interrupted_runs_again_and_finished_ones_do_not(tmp_path: Path) -> None:
    queue, seen = queue_at(tmp_path / "j"), []
    queue.enqueue(LEVELS, 1)

    def measure(setting: Setting, seed: int, trial: Any) -> Result:
        seen.append(tuple(setting.values()))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return result(setting, seed, trial)

    with pytest.raises(KeyboardInterrupt):
        queue.run(measure)
    assert queue.states() == {"complete": 2, "waiting": 2}
    again = queue_at(tmp_path / "j")
    again.enqueue(LEVELS, 1)
    again.run(measure)
    assert Counter(seen) == {(1.0, "iou"): 1, (1.0, "one"): 1, (5.0, "iou"): 2, (5.0, "one"): 1}
    assert again.states() == {"complete": 4}


def test_a_training_that_fails_is_kept_as_failed_and_the_others_go_on(tmp_path: Path) -> None:
    queue = queue_at(tmp_path / "j")
    queue.enqueue(LEVELS, 1)

    def measure(setting: Setting, seed: int, trial: Any) -> Result:
        if setting == {"lambda_coord": 5.0, "confidence_target": "iou"}:
            raise FloatingPointError("the loss is not finite at step 3")
        return result(setting, seed, trial)

    queue.run(measure)
    assert queue.states() == {"complete": 3, "fail": 1}
    ((setting, reason),) = queue.failures()
    assert setting["lambda_coord"] == 5.0
    assert reason == "the loss is not finite at step 3"


def worker(path: Path, seconds: float, log: Path, levels: dict[str, tuple[Any, ...]]) -> None:
    queue = Queue(
        open_storage(str(path)), "study", {**DEFINITION, "vary": {k: list(v) for k, v in levels.items()}}
    )
    queue.enqueue(levels, 1)

    def measure(setting: Setting, seed: int, trial: Any) -> Result:
        with log.open("a") as file:
            file.write(f"begin {setting['lambda_coord']} {os.getpid()}\n")
        time.sleep(seconds)
        with log.open("a") as file:
            file.write(f"end {setting['lambda_coord']} {os.getpid()}\n")
        return result(setting, seed, trial)

    queue.run(measure)


def rows(log: Path, what: str) -> list[list[str]]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.split()[1:] for line in lines if line.startswith(what)]


def until(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def test_two_workers_share_a_study_and_one_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """The first is killed in the middle of a run, a third joins: no finished run is repeated, none is lost."""
    path, log = tmp_path / "j", tmp_path / "log"
    levels = {"lambda_coord": tuple(float(i) for i in range(12))}
    context = multiprocessing.get_context("spawn")
    begin = lambda: context.Process(target=worker, args=(path, 0.3, log, levels))  # noqa: E731
    first, second = begin(), begin()
    first.start()
    second.start()
    until(lambda: len({pid for _, pid in rows(log, "begin")}) == 2)
    until(lambda: sum(pid == str(first.pid) for _, pid in rows(log, "begin")) >= 2)
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    third = begin()
    third.start()
    second.join(120)
    third.join(120)
    assert (second.exitcode, third.exitcode) == (0, 0)
    ended = Counter(level for level, _ in rows(log, "end"))
    assert ended == {str(level): 1 for level in levels["lambda_coord"]}
    killed = {level for level, pid in rows(log, "begin") if pid == str(first.pid)} - {
        level for level, pid in rows(log, "end") if pid == str(first.pid)
    }
    assert len(killed) <= 1
    queue = queue_at(path, vary={name: list(values) for name, values in levels.items()})
    assert len(queue.results()) == 12
    assert queue.states()["complete"] == 12


def test_the_runs_of_a_silent_worker_elsewhere_are_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = queue_at(tmp_path / "j")
    queue.enqueue({"lambda_coord": (1.0,)}, 1)
    trial = queue.study.ask()
    trial.set_user_attr("worker", {"host": "elsewhere", "pid": 1, "id": "x"})
    trial.set_user_attr("alive", time.time())
    assert queue.take_over() == 0
    trial.set_user_attr("alive", time.time() - 301)
    assert queue.take_over() == 1
    assert queue.states() == {"waiting": 1}


def test_two_workers_that_take_over_the_same_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is faster, in the moment between Optuna's look at the run and its write."""
    first, second = queue_at(tmp_path / "j"), queue_at(tmp_path / "j")
    first.enqueue({"lambda_coord": (1.0,)}, 1)
    trial = first.study.ask()
    trial.set_user_attr("worker", {"host": "elsewhere", "pid": 1, "id": "x"})
    trial.set_user_attr("alive", time.time() - 301)
    write = JournalStorage.set_trial_state_values

    def write_too_late(storage: Any, *arguments: Any, **keywords: Any) -> Any:
        monkeypatch.setattr(JournalStorage, "set_trial_state_values", write)
        assert second.take_over() == 1
        return write(storage, *arguments, **keywords)

    monkeypatch.setattr(JournalStorage, "set_trial_state_values", write_too_late)
    assert first.take_over() == 0
    assert first.states() == {"waiting": 1}


def test_a_snapshot_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends first says how many runs go on elsewhere: one that ends while it reads is not forgotten."""
    queue, other = queue_at(tmp_path / "j"), queue_at(tmp_path / "j")
    queue.enqueue(LEVELS, 1)
    read = queue._trials

    def others_go_on(*states: Any) -> Any:
        found = [copy.copy(trial) for trial in read(*states)]
        other.run(result)
        return found

    monkeypatch.setattr(queue, "_trials", others_go_on)
    results, states = queue.snapshot()
    assert (len(results), states) == (0, {"waiting": 4})
    assert queue.states() == {"complete": 4}


def test_a_process_number_that_is_used_again_is_not_the_worker(tmp_path: Path) -> None:
    import socket

    queue = queue_at(tmp_path / "j")
    queue.enqueue({"lambda_coord": (1.0,)}, 1)
    trial = queue.study.ask()
    trial.set_user_attr(
        "worker", {"host": socket.gethostname(), "pid": os.getpid(), "id": "of an earlier boot"}
    )
    trial.set_user_attr("alive", time.time())
    assert queue.take_over() == 1


def test_a_search_stops_at_its_number_of_settings_and_keeps_each_seed(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "j"))
    queue = Queue(
        storage, "study", {**DEFINITION, "sampler": "tpe"}, sampler=optuna.samplers.TPESampler(seed=0)
    )

    def draw(trial: Any) -> Setting:
        return {"lambda_coord": trial.suggest_float("lambda_coord", 1.0, 25.0, log=True)}

    def measure(setting: Setting, seed: int, trial: Any) -> Result:
        return result(setting, seed, trial, 1.0 - abs(float(setting["lambda_coord"]) - 7.0) / 25.0)

    queue.search(draw, 2, 20, measure)
    assert sum(queue.states().get(s, 0) for s in ("complete", "pruned")) == 20
    assert abs(queue.study.best_params["lambda_coord"] - 7.0) < 1.5
    assert queue.states().get("pruned", 0) > 0  # bad settings are given up after their first seed
    assert {r.seed for r in queue.results()} == {0, 1}
    queue.search(draw, 2, 20, measure)
    assert len(queue.study.trials) == 20


def test_a_database_works_as_a_file_does(tmp_path: Path) -> None:
    queue = Queue(open_storage(f"sqlite:///{tmp_path / 'study.db'}"), "study", DEFINITION)
    queue.enqueue(LEVELS, 1)
    queue.run(result)
    assert len(queue.results()) == 4


def test_a_storage_that_cannot_be_opened_is_one_line() -> None:
    with pytest.raises(DataError, match=r"^nonsense://x: expected a journal file or the URL of a database; "):
        open_storage("nonsense://x")
