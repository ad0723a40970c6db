"""Shares of parameters by Optuna's fANOVA."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.studies.ablation.synthetic import flat, synthetic

from yolosses.studies.ablation.importance import importance
from yolosses.studies.ablation.structures import Setting

pytest.importorskip("optuna")


def one_sided(setting: Setting) -> dict[str, float | None]:
    return {**flat(setting), "map50": 0.3 + 0.1 * (setting["size_term"] == "sqrt")}


def two_sided(setting: Setting) -> dict[str, float | None]:
    """Variances over the ranks 0 to 4: 2 and 0.02 times 0.05^2."""
    coord = (1, 2, 5, 10, 25).index(setting["lambda_coord"])
    noobj = (0.05, 0.1, 0.5, 1, 2).index(setting["lambda_noobj"])
    return {**flat(setting), "map50": 0.3 + 0.05 * coord + 0.005 * noobj}


def test_the_parameter_that_matters() -> None:
    study = synthetic(
        lambdas={"lambda_noobj": (0.1, 0.5, 1), "size_term": ("sqrt", "linear", "cube")}, effects=one_sided
    )
    shares = importance(study, "map50")
    assert shares is not None
    assert list(shares) == ["lambda_noobj", "size_term"]
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["size_term"] > 0.95


def test_values_of_a_grid_count_the_same_each() -> None:
    """An additive truth whose variances over the ranks are as 100 to 1, however far apart the values lie."""
    shares = importance(synthetic(effects=two_sided, noise=0.0005), "map50")
    assert shares is not None
    assert shares["lambda_coord"] == pytest.approx(100 / 101, abs=0.01)


def test_the_same_each_time_and_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    study = synthetic()
    assert importance(study, "map50") == importance(study, "map50")
    assert capfd.readouterr() == ("", "")


def test_chance_is_not_shared_out() -> None:
    assert importance(synthetic(effects=flat), "map50") is None
    assert importance(synthetic(effects=flat, noise=0), "map50") is None
    assert importance(synthetic(lambdas={"lambda_coord": (1, 25)}, seeds=1), "map50") is None  # two results


def test_undefined_values_are_left_out() -> None:
    study = synthetic(lambdas={"lambda_coord": (0, 1, 5, 25), "lambda_noobj": (0.1, 1)})
    shares = importance(study, "mean_iou")
    assert shares is not None
    assert shares["lambda_coord"] > 0.8
    assert importance(synthetic(lambdas={"lambda_coord": (0,)}, seeds=5), "mean_iou") is None


def test_a_parameter_with_one_value_has_no_share() -> None:
    shares = importance(synthetic(lambdas={"lambda_coord": (1, 5, 25), "lambda_cls": (1,)}), "map50")
    assert shares == {"lambda_coord": 1.0, "lambda_cls": 0.0}


def test_drawn_values_with_one_seed_each() -> None:
    rng = np.random.default_rng(0)
    drawn = tuple(float(np.exp(value)) for value in rng.uniform(0, 3, 30))
    base = synthetic(lambdas={"lambda_coord": drawn, "lambda_noobj": (0.5, 0.50001)}, seeds=1)
    shares = importance(replace(base, objective="map50"), "map50")
    assert shares is not None
    assert shares["lambda_coord"] > 0.9


def test_optuna_is_loaded_only_when_asked() -> None:
    code = "import sys, yolosses.studies.ablation.importance; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
