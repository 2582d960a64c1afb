"""`dmha serve`: the HTTP service, until it is told to stop."""

from __future__ import annotations

from typing import Annotated

import typer

from dmha.cli.options import Db
from dmha.errors import MissingExtra


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="The address to listen on.", show_default="DMHA_HOST")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65_535, help="Its port.", show_default="DMHA_PORT")
    ] = None,
    db: Db = None,
) -> None:
    """Serve the memory over HTTP; Ctrl-C or SIGTERM finishes what was begun and stops. See docs/service.md."""
    from dmha.settings import read_settings

    try:
        from dmha.server.serve import serve as run
    except ImportError as error:
        raise MissingExtra("serve", "the HTTP service") from error
    given = {"host": host, "port": port, "database": db}
    run(read_settings().model_copy(update={name: value for name, value in given.items() if value is not None}))
