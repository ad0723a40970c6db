"""Writes the pages of ``reference/`` that are made from the library itself: each loss, the API, the command line."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import docstrings
import jinja2
import parity
import register
import scene
import torch

import yolosses as yl
from yolosses.language import Language

DOCS = Path(__file__).resolve().parent.parent
BUILD = DOCS / "build"
RESULTS = DOCS.parent / "benchmarks" / "results"
LOSSES: dict[str, dict[str, Any]] = tomllib.loads((BUILD / "losses.toml").read_text("utf-8"))
ROOMS = {
    "structures": "Structures: what goes in and comes out",
    "losses": "Losses: what they share",
    "codecs": "Codecs: from raw outputs to boxes",
    "assigners": "Assigners: who is responsible",
    "functional": "Penalties",
    "boxes": "Boxes",
    "explain": "Explanations",
    "explain.pictures": "Pictures",
    "export": "Export: losses and detectors as files",
}
LONG = 28  # characters of a default that has no room in a table

templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(BUILD / "templates"),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
)
templates.filters["code"] = lambda text: f"`{text}`"


def write(folder: Path, language: Language) -> None:
    """All pages, into ``folder``."""
    torch.manual_seed(0)
    rows = [_loss_page(key, folder / "losses", language) for key in LOSSES]
    _render("losses.md.j2", folder / "losses" / "index.md", rows=rows)
    for room, title in ROOMS.items():
        _room_page(room, title, folder / "api" / f"{room.replace('.', '-')}.rst")
    _cli_page(folder / "cli.md")


def _render(template: str, file: Path, **values: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = templates.get_template(template).render(**values)
    file.write_text(re.sub(r"\n{3,}", "\n\n", text), "utf-8")


# --- a loss -----------------------------------------------------------------------------------------------------------


def _loss_page(key: str, folder: Path, language: Language) -> dict[str, Any]:
    """Writes the page and the picture of a loss; its row in the list of all."""
    facts = LOSSES[key]
    loss, raw = eval(facts["make"], {"yl": yl}), None
    torch.manual_seed(0)
    raw = scene.learned(loss, eval(facts["raw"], {"torch": torch}))
    out = scene.draw(loss, raw, facts["name"], language, folder / f"{key}.png")
    owner = type(loss)
    said = docstrings.parse(owner.__doc__ or "", list(inspect.signature(owner).parameters))
    head, _, plain = said.intro[0].partition("::\n")
    arguments, tables = _arguments(owner)
    row = {
        "key": key,
        "name": facts["name"],
        "year": facts["year"],
        "terms": list(out.terms),
        "class": owner.__name__,
    }
    _render(
        "loss.md.j2",
        folder / f"{key}.md",
        **row,
        summary=docstrings.markdown(head.rstrip(":") + ("" if head.endswith(".") else ".")),
        also=facts.get("also"),
        authors=facts["authors"],
        title=facts["title"],
        where=f"{facts['venue']} {facts['year']}" if "venue" in facts else facts["year"],
        link=_link(facts),
        link_text=f"arXiv {facts['arxiv']}" if "arxiv" in facts else facts["url"].partition("//")[2],
        codec=_codec(loss, raw),
        make=facts["make"],
        raw=facts["raw"],
        printed=_printed(facts),
        equation=facts["equation"].strip(),
        plain=inspect.cleandoc(plain) if plain else "",
        intro=[docstrings.markdown(part) for part in said.intro[1:]],
        steps=scene.STEPS,
        picture=f"{key}.png",
        **_responsible(loss, raw, out),
        shapes=_paragraphs(owner, "Shapes"),
        out=_shapes(out),
        arguments=arguments,
        tables=tables,
        normaliser=_paragraphs(owner, "Normaliser"),
        detached=_paragraphs(owner, "Detached"),
        terms_text=" ".join(_paragraphs(owner, "Terms")),
        deviations=_paragraphs(owner, "Deviations"),
        raises=_paragraphs(owner, "Raises"),
        entries=_entries(facts["register"]),
        parity=_parity(facts["parity"]),
        speed=_speed(facts["speed"]),
        bibtex=_bibtex(facts),
    )
    return row


def _link(facts: dict[str, Any]) -> str:
    return f"https://arxiv.org/abs/{facts['arxiv']}" if "arxiv" in facts else str(facts["url"])


def _codec(loss: Any, raw: Any) -> str:
    """Its public class."""
    kinds = [kind for kind in type(loss.codec_for(raw)).__mro__ if kind.__name__ in yl.codecs.__all__]
    return f"yolosses.codecs.{kinds[0].__name__}"


def _printed(facts: dict[str, Any]) -> str:
    """What the example prints."""
    names: dict[str, Any] = {"yl": yl, "torch": torch}
    torch.manual_seed(0)
    targets = yl.Targets.from_xyxy(
        [[[22, 30, 118, 126], [130, 106, 202, 178]]], [[0, 1]], image_size=(224, 224)
    )
    return str(eval(facts["make"], names)(eval(facts["raw"], names), targets))


def _paragraphs(owner: Any, title: str) -> list[str]:
    """What its docstring says under a heading, or that of the loss it builds on."""
    for text in docstrings.inherited(owner):
        found = docstrings.parse(text).sections.get(title)
        if found:
            return [docstrings.markdown(docstrings.names_as_code(part)) for part in found]
    return []


def _responsible(loss: Any, raw: Any, out: yl.LossOutput) -> dict[str, Any]:
    """For each object, how many predictors of each level are responsible for it."""
    codec, a = loss.codec_for(raw), out.assignment
    grids = [f"{rows} x {columns}" for rows, columns in codec.grids]
    if len(grids) == 6:  # two heads
        grids = [
            f"{head} {grid}" for head, grid in zip(("one2one",) * 3 + ("one2many",) * 3, grids, strict=True)
        ]
    level = codec.places(a.predictor).level
    objects = []
    for index, (_, label, _) in enumerate(scene.OBJECTS):
        mine = a.mask & (a.object == index)
        counts = [int((mine & (level == which)).sum()) for which in range(len(grids))]
        objects.append({"name": ("circle", "square", "small circle", "bar")[index], "counts": counts})
        assert label < len(scene.CLASSES)
    return {"grids": grids, "objects": objects}


def _shapes(out: yl.LossOutput) -> dict[str, Any]:
    return {
        "total": tuple(out.total.shape),
        "per_image": tuple(out.per_image.shape),
        "predictor": tuple(out.assignment.predictor.shape),
        "object": tuple(out.assignment.object.shape),
        "normalizer": tuple(out.normalizer.shape),
    }


def _arguments(owner: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Rows of the table, one for what is described together; and the defaults that are too long for it."""
    said, rows, tables = docstrings.described(owner), [], {}
    for name, parameter in inspect.signature(owner).parameters.items():
        value = _short(parameter.default)
        if len(value) > LONG:
            tables[name] = value
            value = f"{len(parameter.default)} entries"
        meaning = docstrings.markdown(said[name])
        if rows and rows[-1]["meaning"] == meaning:
            rows[-1]["names"].append(name)
            rows[-1]["defaults"].append(value)
        else:
            rows.append({"names": [name], "defaults": [value], "meaning": meaning})
    return rows, tables


def _short(value: Any) -> str:
    return str(getattr(value, "__name__", None) or repr(value))


def _entries(prefixes: list[str]) -> list[dict[str, Any]]:
    """The entries of the register "paper, code, here" about a loss."""
    effects = json.loads((DOCS / "data" / "register.json").read_text("utf-8"))
    found = []
    for family in register.entries()["family"]:
        for entry in family["entry"]:
            if entry["no"].partition(".")[0] not in prefixes:
                continue
            total, gradient = register.effect_of(entry, effects)
            cells = (total, gradient) if gradient else ("–", "–")
            detail = _one_level_down("\n".join(register.detail(entry, effects)))
            found.append(
                {"title": register.title(entry), "total": cells[0], "gradient": cells[1], "detail": detail}
            )
    return found


def _one_level_down(text: str) -> str:
    """The links of a page of ``reference/``, from ``reference/losses/``."""
    return re.sub(r"\]\((?!\w+:|#)", "](../", text)


def _parity(families: list[str]) -> list[dict[str, Any]]:
    measured = json.loads(parity.DATA.read_text("utf-8"))
    return [parity.row(name, measured[name]) for name in families]


def _speed(names: list[str]) -> list[dict[str, str]]:
    """Rows of a loss from the committed measurement."""
    cases = json.loads((RESULTS / "step-time.json").read_text("utf-8"))["cases"]
    found = []
    for case in (case for case in cases if case["loss"] in names):
        times = {who: result["median_ms"] for who, result in case["contestants"].items()}
        ours = {
            who: times.pop(who, None) for who in ("yolosses", "compiled", "loops", "loops, compiled", "floor")
        }
        (peer, slow), *_ = times.items()
        best = min(ours[who] for who in ("yolosses", "compiled", "loops") if ours.get(who))
        size = (
            f"{case['images']} images, S={case['grid']}"
            if "grid" in case
            else f"{case['objects']} objects an image"
        )
        found.append(
            {
                "case": size if len(names) == 1 else f"{case['loss']}, {size}",
                "eager": _ms(ours["yolosses"]),
                "compiled": _ms(ours["compiled"]),
                "loops": _ms(ours.get("loops")),
                "peer": peer,
                "time": _ms(slow),
                "ratio": f"{slow / best:.1f}",
            }
        )
    return found


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} ms"


def _bibtex(facts: dict[str, Any]) -> str:
    authors = facts["authors"].replace(", ", " and ")
    lines = [
        f"  author = {{{authors}}},",
        f"  title = {{{facts['title']}}},",
        f"  year = {{{facts['year']}}},",
    ]
    if "venue" in facts:
        lines.append(f"  booktitle = {{{facts['venue']}}},")
    lines.append(f"  eprint = {{{facts['arxiv']}}}," if "arxiv" in facts else f"  url = {{{facts['url']}}},")
    kind = "inproceedings" if "venue" in facts else "misc"
    return "\n".join([f"@{kind}{{{facts['name'].lower()},", *lines, "}"])


# --- the API ----------------------------------------------------------------------------------------------------------


def _room_page(room: str, title: str, file: Path) -> None:
    module = import_module(f"yolosses.{room}")
    items = [_item(module, name) for name in module.__all__]
    if room == "losses":
        from yolosses.losses import base

        items = [_item(base, "Loss"), *(item for item in items if not item["name"].startswith("YOLO"))]
    _render(
        "room.rst.j2",
        file,
        title=title,
        module=module.__name__,
        classes=[item for item in items if item["kind"] == "class"],
        functions=[item for item in items if item["kind"] != "class"],
        functions_title="Functions" if any(item["kind"] == "function" for item in items) else "Names",
    )


def _item(module: Any, name: str) -> dict[str, str]:
    what = getattr(module, name)
    kind = "class" if inspect.isclass(what) else "function" if inspect.isroutine(what) else "data"
    text = inspect.getdoc(what) if kind != "data" else ""
    sentence = re.split(r"(?<!\bal\.)(?<!\beq\.)(?<=\.)\s|\n\n|::\n", text or "")[0]
    return {
        "name": name,
        "path": f"{module.__name__}.{name}",
        "kind": kind,
        "summary": docstrings.rest(" ".join(sentence.split())),
    }


# --- the command line -------------------------------------------------------------------------------------------------


def _cli_page(file: Path) -> None:
    from typer.main import get_command

    from yolosses.apps.cli.commands import app

    group: Any = get_command(app)
    _render("cli.md.j2", file, commands=[_command(name, command) for name, command in group.commands.items()])


def _command(name: str, command: Any) -> dict[str, Any]:
    context = command.make_context(f"yolosses {name}", [], resilient_parsing=True)
    text = inspect.cleandoc(command.help or "")
    return {
        "name": name,
        "anchor": f"yolosses-{name}",
        "summary": _cell(re.split(r"(?<=\.)\s", " ".join(text.split()))[0]),
        "help": "\n\n".join(_cell(part) for part in text.split("\n\n")),
        "usage": " ".join(["yolosses", name, *command.collect_usage_pieces(context)]),
        "arguments": [_parameter(p, context) for p in command.params if p.param_type_name == "argument"],
        "options": [
            _parameter(p, context) for p in command.params if p.param_type_name == "option" and not p.hidden
        ],
    }


def _parameter(parameter: Any, context: Any) -> dict[str, str]:
    """A row of the table of arguments or options."""
    name, _ = parameter.get_help_record(context)
    least = getattr(parameter, "min", None)
    name = name.replace(" range>", ">" if least is None else f" >= {least}>")
    shown = parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    default = getattr(shown, "value", shown)
    text = "" if default is None or isinstance(default, bool) or callable(default) else str(default)
    return {
        "name": name.replace("|", r"\|"),
        "default": f"`{text}`" if text and " " not in text else text,
        "help": _cell(parameter.help or ""),
    }


def _cell(text: str) -> str:
    """Words of a terminal as Markdown."""
    text = (
        " ".join(text.split()).replace("|", r"\|").replace("*", r"\*").replace("_", r"\_").replace("<", r"\<")
    )
    return re.sub(r"(?<!\w)(--[a-z][\w-]*)", r"`\1`", text)
