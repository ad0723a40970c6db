"""Quantiles and tails against SciPy and against what is known by heart."""

import math

import pytest

from yolosses.studies.ablation.student import f_tail, incomplete_beta, t_quantile, two_sided_p

DFS = [1.0, 1.6, 2.0, 3.0, 4.4, 8.0, 30.0, 250.0, 1e5]


def test_quantiles_of_the_tables() -> None:
    assert t_quantile(0.975, 1) == pytest.approx(12.706, abs=5e-4)
    assert t_quantile(0.975, 2) == pytest.approx(4.303, abs=5e-4)
    assert t_quantile(0.975, 10) == pytest.approx(2.228, abs=5e-4)
    assert t_quantile(0.975, 1e7) == pytest.approx(1.959964, abs=1e-5)


@pytest.mark.parametrize("df", DFS)
def test_student_against_scipy(df: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    for probability in (0.6, 0.9, 0.975, 0.9995):
        assert t_quantile(probability, df) == pytest.approx(stats.t.ppf(probability, df), rel=1e-8)
    for t in (0.0, -0.3, 1.0, 2.5, 9.0, 60.0):
        assert two_sided_p(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("above", DFS)
@pytest.mark.parametrize("below", DFS)
def test_fisher_against_scipy(above: float, below: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    for f in (0.0, 0.2, 1.0, 3.0, 40.0):
        assert f_tail(f, above, below) == pytest.approx(stats.f.sf(f, above, below), rel=1e-7, abs=1e-12)


def test_the_ends() -> None:
    assert two_sided_p(math.inf, 3) == 0
    assert f_tail(math.inf, 3, 3) == 0
    assert incomplete_beta(2, 3, 0) == 0
    assert incomplete_beta(2, 3, 1) == 1
    assert incomplete_beta(1, 1, 0.3) == pytest.approx(0.3)
