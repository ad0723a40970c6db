"""Results of a study that nobody trained: plausible functions of the weights, and noise of the seeds."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.structures import Level, Result, Setting, StudyResults

LAMBDAS: dict[str, tuple[Level, ...]] = {
    "lambda_coord": (1, 2, 5, 10, 25),
    "lambda_noobj": (0.05, 0.1, 0.5, 1, 2),
}
DEFAULTS: Setting = {
    "lambda_coord": 5.0,
    "lambda_noobj": 0.5,
    "lambda_obj": 1.0,
    "lambda_cls": 1.0,
    "size_term": "sqrt",
    "confidence_target": "iou",
}
TERMS = ("xy", "wh", "obj", "noobj", "cls")
UNBOUNDED = ("centre_error", "size_error", "background_fp", "background_fp_fixed")

Truth = Callable[[Setting], Mapping[str, float | None]]


def plausible(setting: Setting) -> dict[str, float | None]:
    """What each measure is in the mean over seeds. Only lambda_coord and lambda_noobj move anything; at
    lambda_coord = 0 boxes are anywhere, at lambda_noobj = 0 everything is taken for an object.
    """
    coord = float(setting.get("lambda_coord", DEFAULTS["lambda_coord"]))
    noobj = float(setting.get("lambda_noobj", DEFAULTS["lambda_noobj"]))
    located, silent, shy = coord / (coord + 0.3), noobj / (noobj + 0.1), noobj / (noobj + 2)
    covered = 0.01 + 0.94 * located
    class_accuracy = 0.97 - 0.06 * coord / (coord + 25)
    precision = 0.05 + 0.85 * located * (0.6 + 0.4 * silent)
    recall = 0.02 + 0.9 * located * (1 - 0.3 * shy)
    map50 = 0.98 * located**2 * (0.7 + 0.3 * silent) * (1 - 0.2 * shy) * class_accuracy
    share = {
        "correct": map50,
        "localisation": 0.4 * (1 - located) + 0.05,
        "similar": 0.03,
        "other": 0.02,
        "background": 0.5 * (1 - silent) + 0.02,
    }
    return {
        "map50": map50,
        "map50_95": map50 * (0.1 + 0.5 * located),
        "voc07_map": 0.97 * map50,
        "f1": 2 * precision * recall / (precision + recall),
        "precision": precision,
        "recall": recall,
        "threshold": 0.15 + 0.3 * (1 - silent),
        "mean_iou": 0.55 + 0.28 * located if located else None,
        "centre_error": 0.3 - 0.25 * located,
        "size_error": 0.6 - 0.5 * located,
        "covered": covered,
        "background_fp": 0.1 + 0.8 * (1 - silent),
        "background_fp_fixed": 9 * (1 - silent) ** 1.5 + 0.05,
        "empty_confidence": 0.5 * (1 - silent) ** 2 + 0.005,
        "missed": 0.03 + 0.15 * shy + 0.1 * (1 - located),
        "recall_fixed": recall * (1 - 0.2 * shy),
        "object_confidence": 0.8 - 0.3 * shy,
        "class_accuracy": class_accuracy,
        "calibration_error": 0.05 + 0.3 * (1 - silent),
        "tide_classification": 0.02,
        "tide_localisation": 0.02 + 0.3 * (1 - located),
        "tide_both": 0.01,
        "tide_duplicate": 0.01,
        "tide_background": 0.01 + 0.15 * (1 - silent),
        "tide_missed": 0.03 + 0.1 * shy,
        **{f"top_{kind}": value / sum(share.values()) for kind, value in share.items()},
    }


def flat(setting: Setting) -> dict[str, float | None]:
    """The same whatever the setting."""
    return plausible({})


def synthetic(
    *,
    lambdas: Mapping[str, Sequence[Level]] = LAMBDAS,
    seeds: int = 3,
    noise: float | Callable[[Setting], float] = 0.01,
    common: float = 0.0,
    rng_seed: int = 0,
    effects: Truth = plausible,
    defaults: Setting = DEFAULTS,
) -> StudyResults:
    """A whole grid with every measure filled.

    Args:
        noise: standard deviation of a run from the truth, of measures in percent; three times that of the others.
        common: what a seed adds to all settings alike, likewise.
        effects: the truth of a setting: `plausible`, `flat`, or a function of your own.
    """
    rng = np.random.default_rng(rng_seed)
    shared = {name: common * rng.normal(size=seeds) for name in MEASURES}
    results = []
    for levels in itertools.product(*lambdas.values()):
        setting = dict(zip(lambdas, levels, strict=True))
        truth = effects(setting)
        sigma = noise(setting) if callable(noise) else noise
        for seed in range(seeds):
            measures = {
                name: _noisy(name, truth[name], sigma * rng.normal() + shared[name][seed])
                for name in MEASURES
            }
            results.append(
                Result(
                    trial=len(results),
                    setting=setting,
                    seed=seed,
                    measures=measures,
                    calibration=_calibration(measures["calibration_error"] or 0.0, rng),
                    history=_history(setting, rng),
                    seconds=60.0 + float(rng.normal()),
                )
            )
    return StudyResults(
        data="digits",
        loss="v1",
        train_split="train",
        eval_split="val",
        num_pictures={"train": 400, "val": 200},
        class_names=tuple("0123456789"),
        budget={"epochs": 2},
        parameters={name: tuple(levels) for name, levels in lambdas.items()},
        defaults={name: defaults[name] for name in lambdas if name in defaults},
        results=tuple(results),
        states={"complete": len(results)},
    )


def _noisy(name: str, truth: float | None, noise: float) -> float | None:
    if truth is None:
        return None
    value = max(0.0, truth + float(noise) * (1 if MEASURES[name].percent else 3))
    return value if name in UNBOUNDED else min(1.0, value)


def _calibration(error: float, rng: np.random.Generator) -> dict[str, list[float]]:
    score = [0.05 + 0.1 * part for part in range(10)]
    return {
        "score": score,
        "iou": [max(0.0, s - error + 0.01 * float(rng.normal())) for s in score],
        "count": [float(rng.integers(20, 400)) for _ in score],
    }


def _history(setting: Setting, rng: np.random.Generator) -> dict[str, object]:
    steps = [float(step) for step in range(5, 405, 10)]
    weights = {"xy": "lambda_coord", "wh": "lambda_coord", "obj": "lambda_obj", "noobj": "lambda_noobj"}
    return {
        "steps": steps,
        "terms": {
            term: [
                float(setting.get(weights.get(term, "lambda_cls"), 1))
                * (0.02 + math.exp(-step / 80))
                * (1 + 0.05 * float(rng.random()))
                for step in steps
            ]
            for term in TERMS
        },
    }
