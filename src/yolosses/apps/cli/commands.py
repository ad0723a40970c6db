"""The commands. What each can be asked is in `requests`, what it does in a file of its own."""

from __future__ import annotations

from dataclasses import MISSING, fields
from importlib import import_module
from inspect import Parameter, Signature, getdoc
from typing import Annotated, Any, get_origin, get_type_hints

import typer
from typer.core import TyperGroup

from yolosses.apps.cli import requests
from yolosses.apps.runs.failures import Interrupted
from yolosses.apps.runs.request import TrainRequest

# What each is asked, and the function beside this file that does it.
COMMANDS: dict[str, tuple[type[Any], str]] = {
    "demo": (requests.DemoRequest, "train.run_demo"),
    "train": (TrainRequest, "train.train_run"),
    "compare": (requests.CompareRequest, "compare.compare_losses"),
    "eval": (requests.EvaluateRequest, "evaluate.evaluate_run"),
    "predict": (requests.PredictRequest, "predict.predict_pictures"),
    "export": (requests.ExportRequest, "export.export_run"),
    "explain": (requests.ExplainRequest, "explain.explain_run"),
    "inspect": (requests.InspectRequest, "inspect.inspect_data"),
    "study": (requests.StudyRequest, "study.run_study"),
    "lessons": (requests.LessonsRequest, "lessons.run_lessons"),
    "play": (requests.PlayRequest, "play.run_play"),
}


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


def _add(name: str, request: type[Any], does: str) -> None:
    """A command with an option for each field of ``request`` that has help, and its docstring as help. ``does`` is
    imported when it is called: torch takes seconds."""
    hints = get_type_hints(request, include_extras=True)
    options = [
        Parameter(
            f.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if f.default is MISSING else f.default,
            annotation=hints[f.name],
        )
        for f in fields(request)
        if get_origin(hints[f.name]) is Annotated
    ]

    def command(context: typer.Context, **asked: Any) -> None:
        if "given" in hints:
            asked["given"] = frozenset(option for option in asked if _is_given(context, option))
        file, function = does.split(".")
        getattr(import_module(f"yolosses.apps.cli.{file}"), function)(request(**asked))

    context = Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)
    command.__signature__ = Signature([context, *options])  # type: ignore[attr-defined]
    app.command(name, help=getdoc(request))(command)


def _is_given(context: typer.Context, option: str) -> bool:
    """Whether the person wrote it."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


for _name, _command in COMMANDS.items():
    _add(_name, *_command)
