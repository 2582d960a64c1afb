"""`dmha bench`: the memory measured against data that others publish, or that this project wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from dmha.cli.options import Json, Ranking, waiting
from dmha.errors import InvalidInput

bench = typer.Typer(no_args_is_help=True, help="Measure the memory against public data.")

# Each is a module of dmha.bench, which stays unread until it is asked for.
_DATA_SETS = {
    "locomo": "LoCoMo (locomo10.json): is the turn that answers found in a long conversation?",
    "longmemeval": "LongMemEval (longmemeval_s.json): is the session that answers found in a haystack of sessions?",
    "squad": "JSQuAD, DRCD, CMRC 2018 or SQuAD: is the paragraph found that is asked about?",
    "halumem": "HaluMem (a .jsonl of users): does an update bring back the memory that it replaces?",
    "dialogue": "A conversation of benchmarks/dialogues: questions that avoid the words of what answers them.",
    "abstention": "LoCoMo again: does the confidence tell its own questions from those of another conversation?",
}


def _command(name: str) -> Callable[..., None]:
    def measure(
        data: Annotated[Path, typer.Option("--data", help="The data's file, as its authors publish it.")],
        ranking: Ranking = None,
        baselines: Annotated[
            bool, typer.Option("--baselines", help="Measure exact cosine, BM25 and the two fused beside it.")
        ] = False,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")] = False,
        as_json: Json = False,
    ) -> None:
        from rich.console import Console

        from dmha.bench import runner, show

        if markdown and as_json:
            raise InvalidInput("--markdown", "a report is either Markdown or JSON", "Give --markdown or --json.")
        with waiting("Turns and questions") as progress:
            dataset = import_module(f"dmha.bench.{name}").DATA_SET
            report = runner.run(dataset, data, ranking=ranking, baselines=baselines, progress=progress)
        if as_json:
            typer.echo(json.dumps(report.to_dict(), indent=2))
        elif markdown:
            typer.echo(show.markdown(report), nl=False)
        else:
            Console(highlight=False).print(show.table(report), markup=False)

    return measure


for _name, _help in _DATA_SETS.items():
    bench.command(_name, help=_help)(_command(_name))
