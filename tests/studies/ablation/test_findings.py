"""Planted effects are found, planted non-effects are not."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.studies.ablation.synthetic import flat, plausible, synthetic

from yolosses.studies.ablation.findings import MAIN_MEASURES, Finding, findings, holm
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.structures import Level, Setting, StudyResults

CLEAR = ("raises", "lowers", "unable")


def of_kind(found: Sequence[Finding], *kinds: str) -> list[Finding]:
    return [finding for finding in found if finding.kind in kinds]


def moved(found: Sequence[Finding], parameter: str) -> dict[str, str]:
    """By measure: "raises" or "lowers"."""
    return {
        measure: finding.kind
        for finding in of_kind(found, "raises", "lowers")
        if finding.parameter == parameter
        for measure in finding.measures
    }


# ------------------------------------------------------------ effects


def test_the_planted_directions() -> None:
    found = findings(synthetic())
    coord, noobj = moved(found, "lambda_coord"), moved(found, "lambda_noobj")
    assert coord["covered"] == coord["mean_iou"] == coord["map50"] == "raises"
    assert coord["centre_error"] == coord["size_error"] == coord["tide_localisation"] == "lowers"
    assert "empty_confidence" not in coord
    assert noobj["background_fp_fixed"] == noobj["empty_confidence"] == noobj["recall_fixed"] == "lowers"
    assert noobj["missed"] == noobj["precision"] == "raises"
    assert "covered" not in noobj
    for finding in of_kind(found, "raises", "lowers"):
        assert (finding.start, finding.end) in {(1, 25), (0.05, 2)}
        assert {MAIN_MEASURES[measure] for measure in finding.measures} == {finding.ability}
        for difference in finding.differences:
            assert difference.clear
            assert (difference.change.mean > 0) == (finding.kind == "raises")


def test_every_main_measure_is_spoken_of_once() -> None:
    found = findings(synthetic())
    for parameter in ("lambda_coord", "lambda_noobj"):
        told = [
            measure
            for finding in of_kind(found, "raises", "lowers", "no_difference", "no_statement")
            if finding.parameter == parameter
            for measure in finding.measures
        ]
        assert sorted(told) == sorted(MAIN_MEASURES)


def test_the_most_important_first() -> None:
    found = findings(synthetic(lambdas={"lambda_coord": (0, 1, 5), "lambda_noobj": (0.1, 0.5)}))
    kinds = [finding.kind for finding in found]
    assert kinds[0] == "unable"
    assert kinds.index("best") < min(kinds.index("raises"), kinds.index("lowers"))
    moving = of_kind(found, "raises", "lowers")
    assert [f.strength for f in moving] == sorted((f.strength for f in moving), reverse=True)
    assert kinds[-1] in ("no_difference", "no_statement")


def by_class_term(setting: Setting) -> dict[str, float | None]:
    """Classes are told apart better with one of the terms; nothing else matters."""
    return {**flat(setting), "class_accuracy": 0.97 if setting["class_term"] == "cross_entropy" else 0.8}


@pytest.mark.parametrize("levels", [("cross_entropy", "squared_error"), ("squared_error", "cross_entropy")])
def test_words_are_compared_with_the_default(levels: tuple[Level, ...]) -> None:
    study = synthetic(
        lambdas={"class_term": levels}, effects=by_class_term, defaults={"class_term": "squared_error"}
    )
    (finding,) = of_kind(findings(study), "raises", "lowers")
    assert (finding.kind, finding.start, finding.end) == ("raises", "squared_error", "cross_entropy")
    assert finding.measures == ("class_accuracy",)
    without = findings(replace(study, defaults={}))
    (finding,) = of_kind(without, "raises", "lowers")
    assert (finding.start, finding.end) == levels


def test_truth_values_have_no_order() -> None:
    study = synthetic(
        lambdas={"ignore": (False, True)},
        effects=lambda setting: {**flat(setting), "recall": 0.5 if setting["ignore"] else 0.8},
        defaults={"ignore": True},
    )
    (finding,) = of_kind(findings(study), "raises", "lowers")
    assert (finding.kind, finding.start, finding.end) == ("raises", True, False)


# ------------------------------------------------------------ no effects


def test_nothing_is_clear_where_nothing_is() -> None:
    """Of parameters that do nothing, at most one in twenty is said to do something (here of 60)."""
    wrong = set()
    for rng_seed in range(30):
        found = findings(synthetic(effects=flat, rng_seed=rng_seed, lambdas={"a": (1, 2, 3), "b": (1, 2, 3)}))
        wrong |= {(rng_seed, finding.parameter) for finding in found if finding.clear}
    assert len(wrong) <= 4


def test_identical_settings_under_two_names() -> None:
    """Two names for the same thing: the same seeds give the same runs, to the last digit."""
    base = synthetic(lambdas={"lambda_noobj": (0.1, 0.5)})
    results = [
        replace(result, setting={**result.setting, "name": name}, trial=2 * result.trial + (name == "b"))
        for result in base.results
        for name in ("a", "b")
    ]
    study = replace(
        base,
        parameters={**base.parameters, "name": ("a", "b")},
        results=tuple(results),
        defaults={"name": "a"},
    )
    found = [finding for finding in findings(study) if finding.parameter == "name"]
    assert {finding.kind for finding in found} == {"best", "no_difference"}
    assert not any(finding.clear for finding in found)
    (same,) = of_kind(found, "no_difference")
    assert same.measures == tuple(MAIN_MEASURES)
    assert all(difference.identical for difference in same.differences)


def test_one_seed_makes_no_statement() -> None:
    found = findings(synthetic(seeds=1))
    assert [finding.kind for finding in found] == ["no_statement", "no_statement"]
    assert not any(finding.clear or finding.measures for finding in found)


def test_a_study_without_results_or_variety() -> None:
    study = synthetic(lambdas={"lambda_coord": (5,)})
    assert findings(study) == ()
    assert findings(replace(study, results=())) == ()


def test_scattered_settings_make_no_statement() -> None:
    """As a sampler draws them: no two that differ in one parameter alone."""
    study = synthetic(lambdas={"lambda_coord": (1, 2, 5), "lambda_noobj": (0.1, 0.5, 1)})
    diagonal = {(1, 0.1), (2, 0.5), (5, 1)}
    kept = tuple(result for result in study.results if tuple(result.setting.values()) in diagonal)
    assert {finding.kind for finding in findings(replace(study, results=kept))} == {"no_statement"}


# ------------------------------------------------------------ lost abilities


@pytest.mark.parametrize(("seeds", "noise"), [(2, 0.01), (3, 0.02), (5, 0.03)])
def test_without_coordinate_terms_nothing_is_localised(seeds: int, noise: float) -> None:
    for lambdas in ({"lambda_coord": (0, 1, 5)}, {"lambda_coord": (0, 5), "lambda_noobj": (0.1, 0.5)}):
        found = findings(synthetic(lambdas=lambdas, seeds=seeds, noise=noise))
        lost = [finding for finding in of_kind(found, "unable") if finding.ability == "localisation"]
        assert [(finding.parameter, finding.start, finding.end) for finding in lost] == [
            ("lambda_coord", 5, 0)
        ]
        assert lost[0].measures == ("covered", "map50")


def test_without_silence_empty_cells_are_taken_for_objects() -> None:
    found = findings(synthetic(lambdas={"lambda_noobj": (0, 0.5, 2)}))
    assert [(f.parameter, f.ability, f.end) for f in of_kind(found, "unable")] == [
        ("lambda_noobj", "background", 0)
    ]


def test_classes_that_are_guessed() -> None:
    def guessing(setting: Setting) -> dict[str, float | None]:
        guesses = setting["lambda_cls"] == 0
        return {**flat(setting), **({"class_accuracy": 0.1, "map50": 0.02} if guesses else {})}

    found = findings(synthetic(lambdas={"lambda_cls": (0, 1)}, effects=guessing))  # of ten classes
    assert [(f.ability, f.end) for f in of_kind(found, "unable")] == [("classes", 0)]


def test_objects_that_are_not_found() -> None:
    def blind(setting: Setting) -> dict[str, float | None]:
        return {**flat(setting), **({"missed": 0.99, "map50": 0.01} if setting["lambda_obj"] == 0 else {})}

    found = findings(synthetic(lambdas={"lambda_obj": (0, 1)}, effects=blind))
    assert [(f.ability, f.end) for f in of_kind(found, "unable")] == [("objects", 0)]


def test_what_is_merely_worse_is_not_lost() -> None:
    def halved(setting: Setting) -> dict[str, float | None]:
        factor = 0.5 if setting["lambda_coord"] == 1 else 1.0
        return {**flat(setting), "covered": 0.9 * factor, "map50": 0.7 * factor}

    found = findings(synthetic(lambdas={"lambda_coord": (1, 5)}, effects=halved))
    assert of_kind(found, "unable") == []
    assert moved(found, "lambda_coord") == {"covered": "raises", "map50": "raises"}


def test_measures_that_are_lost_with_the_ability_are_named() -> None:
    """Without a true positive there is no mean IoU."""
    found = findings(synthetic(lambdas={"lambda_coord": (0, 5)}))
    (nothing,) = of_kind(found, "no_statement")
    assert nothing.measures == ("mean_iou",)
    assert (nothing.start, nothing.end) == (0, 5)


# ------------------------------------------------------------ the best value


def best_of(study: StudyResults, parameter: str) -> Finding:
    (best,) = (f for f in of_kind(findings(study), "best") if f.parameter == parameter)
    return best


def peaked(setting: Setting) -> dict[str, float | None]:
    return {**flat(setting), "map50": 0.7 - 0.1 * abs(math.log(float(setting["lambda_coord"]) / 5))}


def test_the_best_value_is_held_beside_the_default() -> None:
    best = best_of(synthetic(), "lambda_coord")
    assert (best.start, best.end, best.clear, best.ends) == (5, 25, True, ())
    assert best.differences[0].change.mean > 0


def test_a_peak_is_better_than_both_ends() -> None:
    best = best_of(synthetic(effects=peaked), "lambda_coord")
    assert (best.start, best.end) == (10, 5)  # the default is the best itself: beside the next best
    assert [round(end.start.mean, 1) for end in best.ends] == [0.5, 0.5]
    assert all(end.clear and end.change.mean > 0 for end in best.ends)


def test_a_plateau_is_no_peak() -> None:
    best = best_of(synthetic(effects=flat), "lambda_coord")
    assert not best.clear
    assert best.ends == ()


def test_the_objective_of_the_study_ranks() -> None:
    def opposed(setting: Setting) -> dict[str, float | None]:
        return {**flat(setting), "f1": 0.9 - 0.02 * float(setting["lambda_coord"])}

    study = synthetic(effects=opposed, lambdas={"lambda_coord": (1, 5, 25)})
    best = best_of(replace(study, objective="f1"), "lambda_coord")
    assert (best.measure, best.end, best.clear) == ("f1", 1, True)
    low = best_of(replace(study, objective="size_error"), "lambda_coord")
    means = {
        level: sum(r.measures["size_error"] or 0 for r in study.of({"lambda_coord": level})) / 3
        for level in (1, 5, 25)
    }
    assert low.end == min(means, key=lambda level: means[level])


# ------------------------------------------------------------ Holm


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_lies_between(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, q in zip(p_values, adjusted, strict=True):
        assert p <= q <= min(1, p * len(p_values)) + 1e-12
    ranked = sorted(range(len(p_values)), key=lambda i: p_values[i])
    assert [adjusted[i] for i in ranked] == sorted(adjusted)


def test_main_measures_exist() -> None:
    assert set(MAIN_MEASURES) <= set(MEASURES)
    assert set(plausible({})) == set(MEASURES)
