import pytest

from yolosses.training.threads import FIRST, RECENT, ThreadChoice


class Machine:
    """Steps whose time depends on the threads and on what else runs."""

    def __init__(self, most: int = 2) -> None:
        self.threads = most
        self.seconds = {1: 0.18, most: 0.1}
        self.used: list[int] = []
        self.choice = ThreadChoice(most=most, set_threads=self.use)

    def use(self, threads: int) -> None:
        self.threads = threads

    def run(self, steps: int) -> list[int]:
        used = []
        for _ in range(steps):
            used.append(self.threads)
            self.choice.took(self.seconds[self.threads])
        return used


def test_a_quiet_machine_keeps_all_threads_and_is_seldom_bothered() -> None:
    used = Machine().run(3000)  # five minutes
    assert used[-1] == 2
    assert 2900 < used.count(2) < 3000
    assert used.count(1) <= 3 * 9


def test_a_busy_machine_gets_one_thread_within_a_few_steps() -> None:
    machine = Machine()
    machine.seconds = {1: 0.2, 2: 2.0}
    used = machine.run(600)  # two minutes
    assert used[: FIRST + 30] == [2] * FIRST + [1] * 30
    assert used.count(2) <= FIRST + 4  # each later trial ends at its first step


def test_when_other_work_begins_one_thread_is_tried_at_once() -> None:
    machine = Machine()
    machine.run(100)
    machine.seconds = {1: 0.3, 2: 1.5}
    assert machine.run(RECENT + 5).count(2) <= RECENT
    assert machine.threads == 1


def test_when_other_work_ends_all_threads_come_back() -> None:
    machine = Machine()
    machine.seconds = {1: 0.3, 2: 1.5}
    machine.run(200)
    machine.seconds = {1: 0.18, 2: 0.1}
    machine.run(int(70 / 0.18))
    assert machine.threads == 2


def test_a_step_that_is_slow_by_chance_changes_nothing() -> None:
    machine = Machine()
    machine.run(RECENT + 3 + 10)
    for _ in range(3):
        machine.choice.took(0.9)
        assert machine.run(6) == [2] * 6


@pytest.mark.parametrize("steps", [1, 100])
def test_one_thread_is_never_changed(steps: int) -> None:
    def fail(threads: int) -> None:
        raise AssertionError(threads)

    choice = ThreadChoice(most=1, set_threads=fail)
    for _ in range(steps):
        choice.took(1.0)
