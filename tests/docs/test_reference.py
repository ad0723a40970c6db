"""What the pages of the losses are made from says the same as the losses themselves."""

import inspect
import json
import re
from pathlib import Path

import pytest
import torch
from tests.docs.build import DOCS, module

import yolosses as yl

FACTS = module("reference").LOSSES
OWNERS = {key: type(eval(facts["make"], {"yl": yl})) for key, facts in FACTS.items()}


def test_every_public_loss_has_a_page() -> None:
    assert {owner.__name__ for owner in OWNERS.values()} == {n for n in yl.__all__ if n.startswith("YOLO")}


@pytest.mark.parametrize("key", FACTS)
def test_the_printed_equation_has_the_weights_and_the_terms_of_the_loss(key: str) -> None:
    facts, owner = FACTS[key], OWNERS[key]
    if key == "v10":
        pytest.skip("its weights and terms are those of the two losses in it")
    loss, raw = eval(facts["make"], {"yl": yl}), eval(facts["raw"], {"torch": torch})
    weights = {
        n.removeprefix("lambda_") for n in inspect.signature(owner).parameters if n.startswith("lambda_")
    }
    assert set(re.findall(r"\\lambda_\{\\text\{(\w+)\}\}", facts["equation"])) == weights
    terms = set(re.findall(r"\\texttt\{(\w+)\}", facts["equation"]))
    assert set(loss(raw, module("scene").targets()).terms) <= terms


@pytest.mark.parametrize("key", FACTS)
def test_every_argument_is_described(key: str) -> None:
    described = module("docstrings").described(OWNERS[key])
    assert all(described[name] for name in inspect.signature(OWNERS[key]).parameters)


def test_entries_on_one_line_are_told_apart() -> None:
    found = module("docstrings").parse(
        "Sum.\n\nArgs:\n    a: first. b, c: the others, see\n        d. e: no argument.\n\nShapes:\n    x: (B,).\n",
        ["a", "b", "c"],
    )
    assert found.arguments == {"a": "first.", **dict.fromkeys("bc", "the others, see d. e: no argument.")}
    assert found.sections == {"Shapes": ["x: (B,)."]}


def test_labelled_sentences_are_sections() -> None:
    found = module("docstrings").parse("Sum.\n\nDetached: alpha. Normaliser: S. It is large.\n")
    assert found.sections == {"Detached": ["Alpha."], "Normaliser": ["S. It is large."]}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Targets", "yolosses.structures.Targets"),
        ("assigners.SimOTA()", "yolosses.assigners.SimOTA"),
        ("YOLOv8Loss", "yolosses.YOLOv8Loss"),
        ("engines", None),
        ("paired_iou", "yolosses.boxes.paired_iou"),
    ],
)
def test_names_in_docstrings_lead_to_the_api(name: str, path: str | None) -> None:
    assert module("docstrings").documented(name) == path


def test_the_pages_of_parity_and_speed_are_what_the_measurements_make_of_them() -> None:
    """On failure run ``docs/build/parity.py`` or ``docs/build/speed.py`` and read what changed."""
    parity, speed = module("parity"), module("speed")
    assert parity.PAGE.read_text("utf-8") == parity.page(json.loads(parity.DATA.read_text("utf-8")))
    assert f"{speed.START}\n\n{speed.table()}\n\n{speed.END}" in speed.PAGE.read_text("utf-8")


@pytest.mark.parametrize("page", sorted(DOCS.glob("reference/**/*.md")), ids=lambda page: page.stem)
def test_a_page_begins_with_its_title_and_one_sentence(page: Path) -> None:
    title, empty, sentence = page.read_text("utf-8").splitlines()[:3]
    assert title.startswith("# ")
    assert not empty
    assert sentence.endswith(".")
