"""Options are the fields of a request: typer sees each of them, and a request holds what was written."""

from dataclasses import dataclass, fields
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from yolosses.apps.cli import commands, requests
from yolosses.apps.runs.request import TrainRequest

REQUESTS = {
    "train": TrainRequest,
    "compare": requests.CompareRequest,
    "eval": requests.EvaluateRequest,
    "predict": requests.PredictRequest,
    "export": requests.ExportRequest,
    "explain": requests.ExplainRequest,
    "inspect": requests.InspectRequest,
    "study": requests.StudyRequest,
    "play": requests.PlayRequest,
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One argument that must be given, one option that may be."""

    name: Annotated[str, typer.Argument()]
    times: Annotated[int, typer.Option(min=1)] = 2


def test_a_command_is_called_with_its_request() -> None:
    called: list[tuple[str, Request]] = []

    @commands._options
    def command(context: typer.Context, request: Request) -> None:
        """What it does."""
        called.append((context.info_name or "", request))

    app = typer.Typer()
    app.command("one")(command)
    assert CliRunner().invoke(app, ["a", "--times", "3"]).exit_code == 0
    assert CliRunner().invoke(app, ["b"]).exit_code == 0
    assert [request for _, request in called] == [Request(name="a", times=3), Request(name="b", times=2)]
    assert all(name for name, _ in called)
    assert CliRunner().invoke(app, []).exit_code == 2
    assert CliRunner().invoke(app, ["a", "--times", "0"]).exit_code == 2
    assert "What it does." in CliRunner().invoke(app, ["--help"]).output


@pytest.mark.parametrize("name", REQUESTS)
def test_every_field_is_an_option_in_the_order_of_the_help(name: str) -> None:
    command: Any = typer.main.get_command(commands.app).commands[name]
    assert [p.name for p in command.params if p.name != "help"] == [f.name for f in fields(REQUESTS[name])]
    assert all(parameter.help for parameter in command.params)
