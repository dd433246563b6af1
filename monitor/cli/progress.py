"""A progress bar on stderr, where that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(title: str) -> Iterator[Callable[[float, str], None]]:
    """Gives a function that takes a fraction 0..1 and a few words."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task(title, total=1.0)
        yield lambda fraction, words: shown.update(task, completed=fraction, description=f"{title}: {words}")
