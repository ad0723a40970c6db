"""What each command can be asked: options with their help, and in the docstring the help of the command. That of
``train`` is in `yolosses.apps.runs.request`.

Nothing heavy is imported for that, so ``--help`` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from yolosses.apps.play import PORT
from yolosses.apps.runs.choices import (
    DetectorOutputName,
    FileFormatName,
    LanguageName,
    ModelName,
    ObjectiveName,
    SamplerName,
)
from yolosses.apps.runs.request import Data, Device, EvalSplit, Loss, Out, Seed, Strict, TrainSplit
from yolosses.language import LANGUAGES, Language


def _language(value: str) -> str:
    """Languages are those that have a catalogue, so no enumeration can list them."""
    if value not in LANGUAGES:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(map(repr, LANGUAGES))}.")
    return value


Lang = Annotated[
    Language,
    typer.Option(
        "--lang", metavar=f"[{'|'.join(LANGUAGES)}]", callback=_language, help="Language of the page."
    ),
]
ImageSize = Annotated[int | None, typer.Option(min=32, help="As for train.", show_default="as for train")]
Run = Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")]
Detector = Annotated[
    Path, typer.Argument(help="The folder of a run, or a file that export wrote.", metavar="RUN")
]


@dataclass(frozen=True, kw_only=True)
class DemoRequest:
    """Watch a YOLOv1 detector learn handwritten digits. Nothing is downloaded."""

    minutes: Annotated[float, typer.Option(help="Minutes of training.")] = 3.0
    seed: Seed = 0
    out: Out = None


@dataclass(frozen=True, kw_only=True)
class CompareRequest:
    """Train several losses with the same budget: a table, compare.png and compare.json.

    The same command goes on where it was stopped; with other --losses it adds them to those that are there."""

    data: Data
    losses: Annotated[
        str, typer.Option(help="The losses, with commas between them.", metavar="NAME,NAME,...")
    ] = "v1,v3,v5,v8,yolox"
    minutes: Annotated[
        float | None, typer.Option(help="Length of each run in minutes.", show_default="5")
    ] = None
    epochs_each: Annotated[
        int | None, typer.Option(min=1, help="Length of each run in epochs, instead of minutes.")
    ] = None
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each loss, with different seeds.")] = 1
    peers: Annotated[
        list[Path] | None,
        typer.Option(
            "--peer",
            help="What another library's detector found, see benchmarks/small_sets_peer.py; may be repeated.",
            metavar="FILE",
        ),
    ] = None
    model: Annotated[ModelName, typer.Option(help="tiny or small.")] = "tiny"
    image_size: ImageSize = None
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a step.")] = 8
    train_split: TrainSplit = None
    eval_split: EvalSplit = None
    out: Out = None
    strict: Strict = False
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest:
    """Score a trained detector, and say what its errors cost: tables, metrics.json and errors.png."""

    run: Detector
    data: Annotated[
        str | None,
        typer.Argument(help="Other data than the run's. A file of export needs it.", metavar="[DATA]"),
    ] = None
    split: Annotated[str | None, typer.Option(help="Split to evaluate on.", show_default="the run's")] = None
    strict: Strict = False
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class PredictRequest:
    """Find objects in pictures: pictures with boxes, and predictions.json in COCO style."""

    run: Detector
    pictures: Annotated[
        list[Path], typer.Argument(help="Pictures, or folders of pictures.", metavar="PICTURES...")
    ]
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Least score that is shown.",
            show_default="the one of the best F1 in the run's evaluation",
        ),
    ] = None
    out: Out = None
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """Write a trained detector as one file that runs without yolosses.

    The file is run and compared with torch before it is kept. eval and predict take it in place of RUN."""

    run: Run
    file_format: Annotated[
        FileFormatName, typer.Option("--format", help="onnx, or torch: a program of torch.export.")
    ] = "onnx"
    output: Annotated[
        DetectorOutputName,
        typer.Option(
            help="What the file returns: the network's numbers, every box with its scores, or the detections of "
            "predict."
        ),
    ] = "detections"
    out: Annotated[
        Path | None,
        typer.Option(help="The file.", metavar="FILE", show_default="model.onnx or model.pt2 in RUN"),
    ] = None
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Picture to compare the file with torch on.",
            metavar="FILE",
            show_default="two of the run's evaluation",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ExplainRequest:
    """Say where the loss of a trained detector comes from: report.html and explanation.json."""

    run: Run
    data: Annotated[str | None, typer.Argument(help="Other data than the run's.", metavar="[DATA]")] = None
    split: Annotated[str | None, typer.Option(help="Split to explain.", show_default="the run's")] = None
    image: Annotated[str | None, typer.Option(help="Name of the one picture to explain.", metavar="NAME")] = (
        None
    )
    top: Annotated[int, typer.Option(min=1, help="How many of the worst to show.")] = 20
    out: Out = None
    language: Lang = "en"
    replay: Annotated[
        Path | None, typer.Option(help="The batch that stopped a run, nonfinite.pt.", metavar="FILE")
    ] = None
    strict: Strict = False
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class InspectRequest:
    """Look over a data set before any training: inspection.html and inspection.json."""

    data: Data
    grid: Annotated[
        list[str] | None,  # read in `inspect_data`: typer would not say what it got
        typer.Option(
            help="S, cells along each side; several may follow.",
            metavar="S...",
            show_default="7 10 14 20",
        ),
    ] = None
    boxes_per_cell: Annotated[int, typer.Option(min=1, help="B: boxes that each cell predicts.")] = 2
    split: Annotated[
        list[str] | None, typer.Option(help="Split to inspect; may be repeated.", show_default="all")
    ] = None
    out: Out = None
    language: Lang = "en"


@dataclass(frozen=True, kw_only=True)
class StudyRequest:
    """Measure what the hyper-parameters of a loss do: report.html, results.json and results.csv.

    Every setting is trained and measured with every seed. The same command goes on with a study that was stopped, or
    helps a study that another process is doing."""

    data: Annotated[
        str | None,
        typer.Argument(help="As for train; not needed with --show.", metavar="[DATA]"),
    ] = None
    loss: Loss = "v1"
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="A keyword of the loss, or batch_size, fit, learning_rate, model or mosaic, and the values to try; "
            "may be repeated. LOW..HIGH for --sampler tpe.",
            metavar="NAME=VALUE,VALUE,...",
        ),
    ] = None
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each setting, with different seeds.")] = 3
    minutes_each: Annotated[
        float | None, typer.Option(help="Length of a run in minutes.", show_default="2")
    ] = None
    epochs_each: Annotated[
        int | None, typer.Option(min=1, help="Length of a run in epochs: the same on a slow machine.")
    ] = None
    sampler: Annotated[SamplerName, typer.Option(help="grid: every setting. tpe: look for the best.")] = (
        "grid"
    )
    trials: Annotated[int | None, typer.Option(min=1, help="Settings that tpe tries.", show_default="50")] = (
        None
    )
    objective: Annotated[ObjectiveName, typer.Option(help="What tpe makes large.")] = "map50"
    storage: Annotated[
        str | None,
        typer.Option(
            help="A file, or the URL of a database that many machines share.",
            metavar="PATH_OR_URL",
            show_default="journal.log in --out",
        ),
    ] = None
    image_size: ImageSize = None
    train_split: TrainSplit = None
    eval_split: Annotated[
        str | None, typer.Option(help="Split to measure on.", show_default="val, else test")
    ] = None
    out: Out = None
    show: Annotated[
        Path | None, typer.Option(help="Draw the report of this study again; train nothing.", metavar="DIR")
    ] = None
    strict: Strict = False
    device: Device = "auto"
    language: Lang = "en"


@dataclass(frozen=True, kw_only=True)
class LessonsRequest:
    """Write the lessons as notebooks, ready to open in Jupyter. Notebooks that are there already are kept."""

    folder: Annotated[Path, typer.Argument(help="Where the notebooks go.", metavar="DIR")]
    language: Annotated[LanguageName, typer.Option("--lang", help="Language of the lessons.")] = "en"


@dataclass(frozen=True, kw_only=True)
class PlayRequest:
    """Open the playground: a page in the browser that shows every number of the loss while boxes are dragged."""

    run: Annotated[
        Path | None,
        typer.Argument(help="The folder of a run, whose network the page shows.", metavar="[RUN]"),
    ] = None
    data: Annotated[
        str | None,
        typer.Option(
            help="Pictures to show, in any layout that train takes.", metavar="DATA", show_default="the run's"
        ),
    ] = None
    split: Annotated[str | None, typer.Option(help="Split to show.", show_default="the run's")] = None
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = PORT
    language: Annotated[LanguageName, typer.Option("--lang", help="Language of the page.")] = "en"
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True
