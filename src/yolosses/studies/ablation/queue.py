"""The runs of a study, kept by Optuna: who does which, what is done, what a dead worker left behind."""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from yolosses.studies.ablation.structures import Level, Result, Setting
from yolosses.training.data import DataError

SEED = "seed"
SEEDS = 2**31 - 1
ASKED = "asked"  # the parameters of a run that was put into the queue
BEAT = 30.0  # seconds between a worker's signs of life
DEAD = 300.0  # seconds without one until its run is taken over
WORKER = uuid.uuid4().hex  # of this process: numbers of processes are used again

Measure = Callable[[Setting, int, optuna.Trial], Result]

# What fails, and that a run was interrupted, is said by the study.
optuna.logging.set_verbosity(optuna.logging.ERROR)


def open_storage(where: str) -> BaseStorage:
    """A journal file, or a database by its URL.

    Raises:
        DataError: it cannot be opened.
    """
    try:
        if "://" not in where:
            lock = JournalFileOpenLock(where)
            _mend(Path(where), lock)
            return JournalStorage(JournalFileBackend(where, lock_obj=lock))
        return RDBStorage(where)
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{where}: expected a journal file or the URL of a database; {reason}") from error


def _mend(journal: Path, lock: JournalFileOpenLock) -> None:
    """Take out what is no entry at the end: a disk that was full leaves part of a line, and no reader gets past it."""
    if not journal.is_file():
        return
    lock.acquire()
    try:
        lines = journal.read_bytes().splitlines(keepends=True)
        while lines and not _is_entry(lines[-1]):
            lines.pop()
        if (length := sum(map(len, lines))) < journal.stat().st_size:
            os.truncate(journal, length)
    finally:
        lock.release()


def _is_entry(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return line.endswith(b"\n")


class Queue:
    """The runs of one study. Workers on one or many machines that open the same storage share them.

    Args:
        storage: see `open_storage`. name: of the study in it.
        definition: what every worker must agree on, fit for json. What the storage has, counts; ``"seeds"`` may grow.
        sampler: for a study whose settings are drawn; None where all of them are measured.

    Raises:
        DataError: the storage holds a study with another definition.
    """

    def __init__(
        self,
        storage: BaseStorage,
        name: str,
        definition: Mapping[str, Any],
        *,
        sampler: optuna.samplers.BaseSampler | None = None,
    ) -> None:
        self.study = optuna.create_study(
            study_name=name,
            storage=storage,
            load_if_exists=True,
            direction="maximize",
            sampler=sampler or optuna.samplers.RandomSampler(seed=0),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
        )
        self._agree(dict(definition))

    @property
    def definition(self) -> dict[str, Any]:
        """What the study was asked to measure."""
        return dict(self.study.user_attrs["definition"])

    def _agree(self, asked: dict[str, Any]) -> None:
        asked = json.loads(json.dumps(asked))
        stored = self.study.user_attrs.get("definition")
        if stored is not None:
            for name, value in asked.items():
                if name != "seeds" and value != stored.get(name):
                    raise DataError(
                        f"{name}: expected {_shown(stored.get(name))} as in the study that is there already; "
                        f"got {_shown(value)}"
                    )
            asked["seeds"] = max(asked["seeds"], stored["seeds"])
        if asked != stored:
            self.study.set_user_attr("definition", asked)

    # ------------------------------------------------------------ every setting

    def enqueue(self, levels: Mapping[str, tuple[Level, ...]], seeds: int) -> None:
        """Ask for every setting with every seed that nobody has asked for yet, all settings with the first seed first:
        a study that is stopped early has seen all of them."""
        there = {_key(_asked(trial)) for trial in self._trials()}
        for seed in range(seeds):
            for values in product(*levels.values()):
                params = {**dict(zip(levels, values, strict=True)), SEED: seed}
                if _key(params) not in there:
                    self.study.enqueue_trial(params, user_attrs={ASKED: params})

    def run(self, measure: Measure) -> None:
        """Do runs until none is waiting. A run whose `measure` raises `ArithmeticError` fails and is kept as failed;
        any other exception stops the worker, and its run waits again."""
        self.take_over()
        while self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self._optimize(lambda trial: self._enqueued(trial, measure))
            self.take_over()

    def _enqueued(self, trial: optuna.Trial, measure: Measure) -> float:
        params = trial.user_attrs.get(ASKED)
        if params is None or self._done_elsewhere(trial, params):
            raise optuna.TrialPruned  # another worker was faster
        levels = self.definition["vary"]
        setting = {name: trial.suggest_categorical(name, levels[name]) for name in params if name != SEED}
        return self._measured(trial, setting, trial.suggest_int(SEED, 0, SEEDS), measure)

    def _done_elsewhere(self, trial: optuna.Trial, params: Mapping[str, Any]) -> bool:
        return any(
            other.number < trial.number and _key(_asked(other)) == _key(params)
            for other in self._trials(TrialState.COMPLETE, TrialState.RUNNING)
        )

    # ------------------------------------------------------------ settings that a sampler draws

    def search(
        self, draw: Callable[[optuna.Trial], Setting], seeds: int, trials: int, measure: Measure
    ) -> None:
        """Do runs until there are ``trials`` drawn settings. The value of a setting is the mean over its seeds;
        Optuna's median pruner gives up on a setting after a seed that is worse than most."""

        def objective(trial: optuna.Trial) -> float:
            setting, values = draw(trial), []
            for seed in range(seeds):
                values.append(self._measured(trial, setting, seed, measure))
                trial.report(sum(values) / len(values), seed)
                if seed + 1 < seeds and trial.should_prune():
                    raise optuna.TrialPruned
            return sum(values) / len(values)

        counted = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        self.take_over()
        while len(self._trials(*counted)) < trials:
            self._optimize(objective)
            self.take_over()

    # ------------------------------------------------------------ both

    def _optimize(self, objective: Callable[[optuna.Trial], float]) -> None:
        self.study.optimize(objective, n_trials=1, catch=(ArithmeticError,))

    def _measured(self, trial: optuna.Trial, setting: Setting, seed: int, measure: Measure) -> float:
        trial.set_user_attr("worker", {"host": socket.gethostname(), "pid": os.getpid(), "id": WORKER})
        self.beat(trial)
        try:
            result = measure(setting, seed, trial)
        except ArithmeticError as error:
            trial.set_user_attr("error", str(error))
            raise
        except BaseException:
            self._ask_again(trial.user_attrs)
            raise
        trial.set_user_attr(f"result:{seed}", asdict(result))
        return float(result.measures[self.definition["objective"]] or 0.0)

    def beat(self, trial: optuna.Trial) -> None:
        """A sign of life, now and then; Optuna's own heartbeat needs a database."""
        now = time.time()
        if now - trial.user_attrs.get("alive", 0.0) >= BEAT:
            trial.set_user_attr("alive", now)

    def take_over(self) -> int:
        """Let the runs of workers that died wait again; says how many. Another worker may take over the same at this
        moment: then it asks for them."""
        taken = 0
        for trial in self._trials(TrialState.RUNNING):
            if _is_dead(trial):
                with suppress(UpdateFinishedTrialError):  # after Optuna looked whether it was finished
                    self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
                    self._ask_again(trial.user_attrs)
                    taken += 1
        return taken

    def _ask_again(self, user_attrs: Mapping[str, Any]) -> None:
        if ASKED in user_attrs:
            params = user_attrs[ASKED]
            self.study.enqueue_trial(params, user_attrs={ASKED: params})

    def results(self) -> list[Result]:
        """Of the finished runs, each setting with each seed once."""
        return self.snapshot()[0]

    def states(self) -> dict[str, int]:
        """How many runs are complete, running, waiting, failed; those of dead workers and doubles do not count."""
        return self.snapshot()[1]

    def snapshot(self) -> tuple[list[Result], dict[str, int]]:
        """Results and states of one moment: read one after the other, a run that ends in between is in neither."""
        found: dict[tuple[tuple[str, Any], ...], Result] = {}
        states: Counter[str] = Counter()
        for trial in self._trials():
            for name, value in trial.user_attrs.items():
                if name.startswith("result:"):
                    result = Result(**value)
                    found.setdefault(_key({**result.setting, SEED: result.seed}), result)
            double = trial.state == TrialState.PRUNED and ASKED in trial.user_attrs
            of_the_dead = trial.state == TrialState.FAIL and "error" not in trial.user_attrs
            if not double and not of_the_dead:
                states[trial.state.name.lower()] += 1
        return sorted(found.values(), key=lambda result: (result.trial, result.seed)), dict(states)

    def failures(self) -> list[tuple[Setting, str]]:
        """The settings whose training failed by itself, and why."""
        return [
            (_asked(trial), trial.user_attrs["error"])
            for trial in self._trials()
            if "error" in trial.user_attrs
        ]

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=states or None)


def _asked(trial: FrozenTrial) -> dict[str, Any]:
    return dict(trial.user_attrs.get(ASKED, trial.params))


def _key(params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    # repr, because True and 1 are equal.
    return tuple(sorted((name, repr(value)) for name, value in params.items()))


def _is_dead(trial: FrozenTrial) -> bool:
    worker = trial.user_attrs.get("worker")
    if worker is None:  # it died, or lives, in the moment before its first sign
        begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
        return time.time() - begun > DEAD
    if worker["host"] == socket.gethostname() and not _runs(worker["pid"]):
        return True
    if worker["pid"] == os.getpid() and worker["id"] != WORKER:
        return True
    return bool(time.time() - trial.user_attrs.get("alive", 0.0) > DEAD)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:  # of somebody else, it may not be asked
        return not isinstance(error, ProcessLookupError)
    return True


def _shown(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
