"""The scatter of seeds: worked by hand, and whatever must not change it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from yolosses.studies.ablation.noise import Noise, Variance, noise_of

NAN = math.nan


def found(values: list[list[float]] | np.ndarray) -> Noise:
    noise = noise_of(np.array(values, dtype=float))
    assert noise is not None
    return noise


def test_few_runs_are_pooled_about_their_settings() -> None:
    noise = found([[0, 2, 4], [1, 1, 1]])
    assert noise.pooled == Variance(value=8 / 4, df=4)
    assert noise.common.value == 0
    assert noise.own.tolist() == [4, 0]
    assert noise.residuals.tolist() == [[-2, 0, 2], [0, 0, 0]]


def test_what_a_seed_adds_everywhere_is_taken_apart() -> None:
    """A two-way analysis of variance by hand: seeds add -3, 0, 3, and the rest is a pattern of ones."""
    seeds = np.array([-3.0, 0, 3])
    rest = np.array([[1.0, -1, 0], [-1, 0, 1], [0, 1, -1]])
    noise = found(10 * np.arange(3)[:, None] + seeds + rest)
    np.testing.assert_allclose(noise.residuals, rest, atol=1e-12)
    assert noise.pooled.df == 4
    assert noise.pooled.value == pytest.approx(6 / 4)
    # Mean square of the seeds: 3 settings * 18 / 2 = 27, which is 1.5 + 3 * common.
    assert noise.common.value == pytest.approx((27 - 1.5) / 3)
    assert noise.common.df == pytest.approx(25.5**2 / (27**2 / 2 + 1.5**2 / 4))


def test_a_setting_with_one_run_says_nothing() -> None:
    noise = found([[0, 2, 4], [1, 1, 1], [7, NAN, NAN]])
    assert noise.pooled == found([[0, 2, 4], [1, 1, 1]]).pooled
    assert noise.own_df[2] == 0
    assert np.isnan(noise.residuals[2]).all()
    assert noise_of(np.array([[1.0, NAN], [NAN, 2.0]])) is None


def test_missing_runs() -> None:
    """Least squares of setting + seed against a solver, with a third of the runs missing."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 4)) + rng.normal(size=4)
    values[rng.random((6, 4)) < 0.3] = NAN
    values[:, 0] = np.nan_to_num(values[:, 0])
    values[:, 1] = np.nan_to_num(values[:, 1])
    rows, columns = np.nonzero(np.isfinite(values))
    design = np.concatenate((np.eye(6)[rows], np.eye(4)[columns]), 1)
    fitted = design @ np.linalg.lstsq(design, values[rows, columns], rcond=None)[0]
    noise = found(values)
    np.testing.assert_allclose(noise.residuals[rows, columns], values[rows, columns] - fitted, atol=1e-9)
    assert noise.pooled.df == len(rows) - 6 - 4 + 1


@given(
    arrays(float, (4, 3), elements=st.floats(-1, 1)),
    arrays(float, 4, elements=st.floats(-5, 5)),
    arrays(float, 3, elements=st.floats(-5, 5)),
    st.floats(0.1, 10),
)
def test_neither_settings_nor_seeds_change_the_rest(
    rest: np.ndarray, settings: np.ndarray, seeds: np.ndarray, scale: float
) -> None:
    base, moved = found(rest), found(scale * (rest + settings[:, None] + seeds))
    assert moved.pooled.value == pytest.approx(scale**2 * base.pooled.value, rel=1e-6, abs=1e-15)
    assert moved.pooled.df == base.pooled.df == 6


def test_equal_runs_have_no_noise() -> None:
    noise = found([[0.3, 0.3, 0.3], [0.1 + 0.2, 0.3, 0.3], [1, 1, 1]])
    assert noise.pooled.value == 0
    assert noise.of_sum(np.array([0]), np.array([1 / 3]), []).value == 0


def test_noisy_settings_are_known_by_their_own_runs() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(20, 5))
    values[:5] *= 5
    noise = found(values)
    assert noise.prior_df < 12
    noisy, quiet = np.arange(5), np.arange(5, 20)
    whole = np.full(5, 1 / 5)
    assert noise.of_sum(noisy, whole, [noisy]).value > 12
    assert noise.of_sum(quiet[:5], whole, [quiet]).value < 9
    alike = found(rng.normal(size=(20, 5)))
    assert alike.of_sum(noisy, whole, []).value == pytest.approx(alike.pooled.value, rel=0.5)


def test_runs_that_move_together() -> None:
    rng = np.random.default_rng(2)
    groups = [np.arange(5 * level, 5 * level + 5) for level in range(3)]
    shared = np.repeat(rng.normal(size=(3, 4)), 5, 0)
    together = found(shared + 0.3 * rng.normal(size=(15, 4))).together(groups)
    assert together is not None
    assert together.value > 3
    assert together.df == 2 * 3
    one_each = [np.array([row]) for row in range(15)]
    assert found(rng.normal(size=(15, 4))).together(one_each) is None  # nothing is averaged


def test_sums_of_variances() -> None:
    total = Variance(value=1, df=4) + Variance(value=1, df=4)
    assert total == Variance(value=2, df=8)
    assert Variance(value=0, df=1) + Variance(value=3, df=5) == Variance(value=3, df=5)
    assert Variance(value=0, df=2) + Variance(value=0, df=5) == Variance(value=0, df=5)
