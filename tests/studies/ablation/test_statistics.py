"""Means, differences and their intervals: by hand, and how often they hold the truth."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.studies.ablation.synthetic import synthetic
from tests.studies.ablation.tables import grid, study_of, table

from yolosses.studies.ablation.noise import t_quantile
from yolosses.studies.ablation.statistics import Table

# ------------------------------------------------------------ by hand


def test_one_parameter_by_hand() -> None:
    """Student's two-sample interval: pooled variance 0.02^2, 4 degrees of freedom."""
    study = study_of([2], [[0.48, 0.50, 0.52], [0.58, 0.60, 0.62]])
    level = Table.of(study, "map50").level({"a": 0})
    assert level is not None
    assert (level.mean, level.count, level.left_out) == (pytest.approx(0.5), 3, 0)
    half = t_quantile(0.975, 4) * 0.02 / math.sqrt(3)
    assert level.high - level.mean == pytest.approx(half)
    change = Table.of(study, "map50").difference("a", 0, 1)
    assert change is not None
    assert change.change.count == 3
    assert change.change.mean == pytest.approx(0.1)
    assert change.change.high - 0.1 == pytest.approx(half * math.sqrt(2))
    assert change.start.mean == pytest.approx(0.5)
    assert change.end.mean == pytest.approx(0.6)
    assert change.clear
    back = Table.of(study, "map50").difference("a", 1, 0)
    assert back is not None
    assert back.change.mean == pytest.approx(-0.1)
    assert back.p == pytest.approx(change.p)


def test_what_a_seed_adds_to_both_ends_drops_out() -> None:
    """Five values with seeds that differ by far more than the values do."""
    seeds = np.array([0.1, 0.5, 0.9])
    rng = np.random.default_rng(0)
    values = seeds + 0.01 * np.arange(5)[:, None] + 1e-3 * rng.normal(size=(5, 3))
    study = study_of([5], values.tolist())
    change = Table.of(study, "map50").difference("a", 0, 4)
    assert change is not None
    assert change.clear
    assert change.change.high - change.change.low < 0.01
    assert change.start.high - change.start.low > 0.5  # but where the level lies, three seeds hardly tell


def test_an_interaction_is_no_noise() -> None:
    """The change is +0.3 with one value of the other parameter and -0.1 with the other: 0.1 in the mean, surely."""
    rng = np.random.default_rng(0)
    means = np.array([[0.2, 0.5], [0.5, 0.4]]).reshape(4, 1)
    values = means + 0.005 * rng.normal(size=(4, 3))
    study = study_of([2, 2], values.tolist())  # a is the slower axis
    change = Table.of(study, "map50").difference("b", 0, 1)
    assert change is not None
    assert change.change.mean == pytest.approx(0.1, abs=0.01)
    assert change.clear
    inside = Table.of(study, "map50").difference("b", 0, 1, at={"a": 1})
    assert inside is not None
    assert inside.change.mean == pytest.approx(-0.1, abs=0.02)
    assert inside.clear
    assert inside.change.count == 3


def test_differences_compare_like_with_like() -> None:
    """Runs without a partner are left out, and settings with fewer seeds count no less."""
    study = study_of([2, 2], [[0.2, 0.2, 0.2], [0.8, 0.8], [0.3, 0.3], [0.7]])
    change = Table.of(study, "map50").difference("a", 0, 1)
    assert change is not None
    assert change.change.count == 3  # (b=0: seeds 0, 1), (b=1: seed 0)
    assert change.change.mean == pytest.approx((0.1 - 0.1) / 2)
    assert change.start.mean == pytest.approx((0.2 + 0.8) / 2)
    level = Table.of(study, "map50").level({"a": 0})
    assert level is not None
    assert level.mean == pytest.approx((0.2 + 0.8) / 2)
    assert level.count == 5


def test_no_pairs_no_difference() -> None:
    study = study_of([2, 2], [[0.2, 0.2], [], [], [0.7, 0.7]])
    assert Table.of(study, "map50").difference("a", 0, 1) is None
    assert Table.of(study, "map50").difference("a", 0, 7) is None
    assert Table.of(study, "map50").level({"a": 7}) is None


# ------------------------------------------------------------ what is not known


def test_one_seed_has_no_interval() -> None:
    study = synthetic(seeds=1)
    level = Table.of(study, "map50").level(study.settings[0])
    assert level is not None
    assert not level.known
    assert math.isnan(level.low)
    assert math.isnan(level.high)
    change = Table.of(study, "map50").difference("lambda_coord", 1, 25)
    assert change is not None
    assert change.change.count == 5
    assert not change.change.known
    assert not change.clear
    assert change.p == 1


def test_a_setting_with_one_run_has_no_interval_of_its_own() -> None:
    study = study_of([3], [[0.2, 0.21, 0.22], [0.5, 0.52, 0.51], [0.8]])
    level = Table.of(study, "map50").level({"a": 2})
    assert level is not None
    assert not level.known
    change = Table.of(study, "map50").difference("a", 0, 2)
    assert change is not None
    assert not change.clear


def test_undefined_values_are_left_out_and_counted() -> None:
    study = study_of([2], [[0.5, None, 0.52], [0.6, 0.61, 0.62]])
    level = Table.of(study, "map50").level({"a": 0})
    assert level is not None
    assert (level.mean, level.count, level.left_out) == (pytest.approx(0.51), 2, 1)
    change = Table.of(study, "map50").difference("a", 0, 1)
    assert change is not None
    assert change.change.count == 2
    assert change.start.left_out == 1
    assert change.end.mean == pytest.approx(0.61)
    nothing = study_of([2], [[None, None], [0.6, 0.61]])
    assert Table.of(nothing, "map50").level({"a": 0}) is None
    assert Table.of(nothing, "map50").difference("a", 0, 1) is None


def test_two_names_for_the_same_thing() -> None:
    """Bit-identical runs among noisy others: no difference, and nothing around it."""
    row = [0.5, 0.58, 0.42]
    study = study_of([3], [row, row, [0.7, 0.6, 0.9]])
    same = Table.of(study, "map50").difference("a", 0, 1)
    assert same is not None
    assert same.identical
    assert (same.change.mean, same.change.low, same.change.high) == (0, 0, 0)
    assert not same.clear
    other = Table.of(study, "map50").difference("a", 0, 2)
    assert other is not None
    assert not other.identical


def test_equal_in_one_measure_is_not_the_same_thing() -> None:
    study = study_of([3], [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.7, 0.6, 0.9]])
    results = [
        replace(result, measures={**result.measures, "recall": 0.1 * result.trial})
        for result in study.results
    ]
    change = Table.of(replace(study, results=tuple(results)), "map50").difference("a", 0, 1)
    assert change is not None
    assert not change.identical
    assert change.change.mean == 0
    assert change.change.high > 0


def test_without_any_noise_whatever_differs_is_clear() -> None:
    study = study_of([2], [[0.3, 0.3], [0.1 + 0.2, 0.3]])
    change = Table.of(study, "map50").difference("a", 0, 1)
    assert change is not None
    assert change.change.mean == 0  # but for rounding
    assert not change.clear
    apart = Table.of(study_of([2], [[0.3, 0.3], [0.4, 0.4]]), "map50").difference("a", 0, 1)
    assert apart is not None
    assert apart.clear
    assert apart.p == 0


def test_fractions_stay_between_0_and_1() -> None:
    study = study_of([2], [[0.99, 1.0], [0.0, 0.02]])
    high, low = (Table.of(study, "map50").level({"a": level}) for level in (0, 1))
    assert high is not None
    assert low is not None
    assert high.high == 1
    assert low.low == 0
    free = Table.of(study_of([2], [[0.99, 1.0], [0.0, 0.02]], measure="size_error"), "size_error").level(
        {"a": 0}
    )
    assert free is not None
    assert free.high > 1


def test_the_same_study_has_the_same_intervals() -> None:
    study = synthetic()
    assert Table.of(study, "map50").level({"lambda_coord": 5}) == Table.of(study, "map50").level(
        {"lambda_coord": 5}
    )


def test_of_runs_with_one_setting_and_seed_the_first_counts() -> None:
    study = study_of([2], [[0.5, 0.52], [0.6, 0.63]])
    again = replace(study.results[0], trial=99, measures={"map50": 0.9})
    level = Table.of(replace(study, results=(again, *study.results)), "map50").level({"a": 0})
    assert level is not None
    assert level.mean == pytest.approx(0.51)


# ------------------------------------------------------------ how often they are right

SEEDS = [2, 3, 5]
GRIDS = [(5, 5), (3, 3), (5,), (2,), (2, 2)]
STUDIES = 150


def errors(
    levels: tuple[int, ...], seeds: int, *, noisy: float = 1, common: float = 0
) -> tuple[float, float]:
    """With no effect at all: the share of comparisons of the first parameter that are called clear, and of settings
    whose interval misses the truth. Its lowest value scatters ``noisy`` times as much as the others."""
    rng = np.random.default_rng(0)
    lowest = np.array([setting["a"] == 0 for setting in grid(levels)])
    wrong, missed = [], []
    for _ in range(STUDIES):
        values = rng.normal(size=(len(lowest), seeds)) * np.where(lowest, noisy, 1)[:, None]
        runs = table(levels, values + common * rng.normal(size=seeds))
        for start, end in {(0, levels[0] - 1), (levels[0] // 2, levels[0] - 1)}:
            if start != end:
                change = runs.difference("a", start, end)
                assert change is not None
                wrong.append(change.clear)
        for setting in (runs.settings[0], runs.settings[-1]):
            level = runs.level(setting)
            assert level is not None
            missed.append(not level.low <= 0 <= level.high)
    return float(np.mean(wrong)), float(np.mean(missed))


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("levels", GRIDS)
def test_no_effect_is_called_clear_in_one_of_twenty(levels: tuple[int, ...], seeds: int) -> None:
    wrong, missed = errors(levels, seeds)
    assert wrong <= 0.07  # one in twenty, and what chance adds in so many studies
    assert missed <= 0.07


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("levels", [(5, 5), (3, 3), (5,), (2,)])
def test_unequal_noise_does_not_make_differences(levels: tuple[int, ...], seeds: int) -> None:
    wrong, missed = errors(levels, seeds, noisy=3)
    assert wrong <= 0.085
    assert missed <= 0.085


@pytest.mark.parametrize("seeds", [3, 5])
def test_a_far_noisier_value_does_not_blur_the_others(seeds: int) -> None:
    """An average confidence of 0.4 % beside one of 50 %: its interval is as wide as its own runs say."""
    wrong, missed = errors((5, 5), seeds, noisy=100, common=0.5)
    assert wrong <= 0.085
    assert missed <= 0.085
    rng = np.random.default_rng(1)
    lowest = np.array([setting["a"] == 0 for setting in grid((5, 5))])
    widths = []
    for _ in range(STUDIES // 3):
        runs = table((5, 5), rng.normal(size=(25, seeds)) * np.where(lowest, 100, 1)[:, None])
        level = runs.level(runs.settings[-1])
        assert level is not None
        widths.append((level.high - level.low) / 2)
    assert np.median(widths) < 3  # t of about 10 degrees of freedom / root of the seeds is below 1.5


@pytest.mark.parametrize("seeds", SEEDS)
def test_seeds_that_matter_everywhere_widen_levels_and_not_differences(seeds: int) -> None:
    wrong, missed = errors((5, 5), seeds, common=1)
    assert wrong <= 0.07
    assert missed <= 0.10


@pytest.mark.parametrize(("levels", "seeds", "least"), [((5, 5), 2, 0.99), ((3, 3), 3, 0.95), ((5,), 5, 0.9)])
def test_an_effect_of_three_standard_deviations_is_found(
    levels: tuple[int, ...], seeds: int, least: float
) -> None:
    rng = np.random.default_rng(0)
    effect = np.array([3.0 * (setting["a"] == levels[0] - 1) for setting in grid(levels)])
    found = []
    for _ in range(STUDIES):
        change = table(levels, rng.normal(size=(len(effect), seeds)) + effect[:, None]).difference(
            "a", 0, levels[0] - 1
        )
        assert change is not None
        found.append(change.clear)
    assert np.mean(found) >= least


def test_a_naive_bootstrap_of_three_seeds_would_not_do() -> None:
    """Why all this: percentiles of resampled means of three values miss the truth far more often than they say."""
    rng = np.random.default_rng(0)
    missed = []
    for _ in range(400):
        values = rng.normal(size=3)
        low, high = np.quantile(values[rng.integers(3, size=(400, 3))].mean(1), [0.025, 0.975])
        missed.append(not low <= 0 <= high)
    assert np.mean(missed) > 0.2


@pytest.mark.parametrize("robust", [False, True])
def test_least_squares_would_not_do(robust: bool) -> None:
    """Why all this, again: "value = setting", pooled or with HC3, where one value scatters three times as much."""
    rng = np.random.default_rng(0)
    scales = np.array([3.0 if setting["a"] == 0 else 1.0 for setting in grid((5, 5))])
    seeds, missed = 3, []
    t = t_quantile(0.975, len(scales) * (seeds - 1))
    for _ in range(300):
        values = rng.normal(size=(len(scales), seeds)) * scales[:, None]
        own = values.var(1, ddof=1)
        # HC3 divides each residual by 1 - 1/seeds; the variance of a mean is then the sum of squares over seeds^2.
        variance = own * (seeds - 1) / seeds**2 / (1 - 1 / seeds) ** 2 if robust else own.mean() / seeds
        missed.append(np.abs(values.mean(1)) > t * np.sqrt(variance) * np.ones(len(scales)))
    assert np.mean(np.array(missed)[:, scales == 3.0]) > 0.1
