"""The commands. Their options are in `requests`, what they do is in the files beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperGroup

from yolosses.apps.cli.requests import (
    CompareRequest,
    EvaluateRequest,
    ExplainRequest,
    ExportRequest,
    InspectRequest,
    PlayRequest,
    PredictRequest,
    StudyRequest,
)
from yolosses.apps.runs.choices import LanguageName
from yolosses.apps.runs.failures import Interrupted
from yolosses.apps.runs.request import Out, Seed, TrainRequest


class _Commands(TyperGroup):
    """Typer would print an empty line for an interrupt."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted from error


app = typer.Typer(
    cls=_Commands,
    name="yolosses",
    help="Every YOLO loss: exact, fast, explained. Train a small detector with one, and look at every term.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich's markdown would take a third of the time to answer
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field of its ``request``, as typer asks for them."""
    own = dict(signature(command, eval_str=True).parameters)
    request = own.pop("request").annotation
    hints = get_type_hints(request, include_extras=True)
    options = [
        Parameter(
            f.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if f.default is MISSING else f.default,
            annotation=hints[f.name],
        )
        for f in fields(request)
    ]

    def called(**given: Any) -> None:
        others = {name: given.pop(name) for name in own}
        command(**others, request=request(**given))

    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__signature__ = Signature([*own.values(), *options])  # type: ignore[attr-defined]
    return called


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and stop.", is_eager=True)
    ] = False,
) -> None:
    if version:
        import yolosses

        typer.echo(f"yolosses {yolosses.__version__}")
        raise typer.Exit


@app.command()
def demo(
    minutes: Annotated[float, typer.Option(help="Minutes of training.")] = 3.0,
    seed: Seed = 0,
    out: Out = None,
) -> None:
    """Watch a YOLOv1 detector learn handwritten digits. Nothing is downloaded."""
    from yolosses.apps.cli.train import train_run
    from yolosses.apps.runs.folder import free_folder

    train_run(TrainRequest(data="digits", minutes=minutes, seed=seed, out=out or free_folder("demo")))


@app.command()
@_options
def train(context: typer.Context, request: TrainRequest) -> None:
    """Train a detector on your pictures, evaluate it, and draw the curve of every term."""
    from yolosses.apps.cli.train import train_run

    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
    train_run(request, given=given)


@app.command()
@_options
def compare(request: CompareRequest) -> None:
    """Train several losses with the same budget: a table, compare.png and compare.json.

    The same command goes on where it was stopped; with other --losses it adds them to those that are there."""
    from yolosses.apps.cli.compare import compare_losses

    compare_losses(request)


@app.command("eval")
@_options
def evaluate(request: EvaluateRequest) -> None:
    """Score a trained detector, and say what its errors cost: tables, metrics.json and errors.png."""
    from yolosses.apps.cli.evaluate import evaluate_run

    evaluate_run(request)


@app.command()
@_options
def predict(request: PredictRequest) -> None:
    """Find objects in pictures: pictures with boxes, and predictions.json in COCO style."""
    from yolosses.apps.cli.predict import predict_pictures

    predict_pictures(request)


@app.command()
@_options
def export(request: ExportRequest) -> None:
    """Write a trained detector as one file that runs without yolosses.

    The file is run and compared with torch before it is kept. eval and predict take it in place of RUN."""
    from yolosses.apps.cli.export import export_run

    export_run(request)


@app.command()
@_options
def explain(request: ExplainRequest) -> None:
    """Say where the loss of a trained detector comes from: report.html and explanation.json."""
    from yolosses.apps.cli.explain import explain_run

    explain_run(request)


@app.command()
@_options
def inspect(request: InspectRequest) -> None:
    """Look over a data set before any training: inspection.html and inspection.json."""
    from yolosses.apps.cli.inspect import inspect_data

    inspect_data(request)


@app.command()
@_options
def study(request: StudyRequest) -> None:
    """Measure what the hyper-parameters of a loss do: report.html, results.json and results.csv.

    Every setting is trained and measured with every seed. The same command goes on with a study that was stopped, or
    helps a study that another process is doing."""
    if request.data is None and request.show is None:
        raise typer.BadParameter("expected a data set, or --show DIR", param_hint="DATA")
    from yolosses.apps.cli.study import run_study, show_study

    if request.show is not None:
        show_study(request.show, request.language)
    else:
        run_study(request)


@app.command()
def lessons(
    folder: Annotated[Path, typer.Argument(help="Where the notebooks go.", metavar="DIR")],
    lang: Annotated[LanguageName, typer.Option("--lang", help="Language of the lessons.")] = LanguageName.EN,
) -> None:
    """Write the lessons as notebooks, ready to open in Jupyter. Notebooks that are there already are kept."""
    from yolosses.apps.cli.lessons import run_lessons

    run_lessons(folder, lang.value)


@app.command()
@_options
def play(request: PlayRequest) -> None:
    """Open the playground: a page in the browser that shows every number of the loss while boxes are dragged."""
    from yolosses.apps.cli.play import run_play

    run_play(request)
