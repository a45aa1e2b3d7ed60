"""Jobs: engine calls on worker threads, so that the main thread stays free to stop them.

The only concurrency there is: the parts of one `for each`, some at a time.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import FrameType
from typing import Protocol, TypeVar

from recsys_duck.errors import InterruptedBuildError, TerminatedBuildError

T = TypeVar("T")
TICK_S = 0.1


class Interruptible(Protocol):
    """What runs tasks and can be stopped: an engine."""

    def interrupt(self) -> None:
        """Stop what runs, from another thread."""


def run_jobs(
    engine: Interruptible, tasks: Sequence[Callable[[], T]], at_a_time: int, *, stop: threading.Event | None = None
) -> Iterator[list[T]]:
    """Run tasks, `at_a_time` side by side; yields, at each tick, the results that came in since the last.

    The first error stops the others and is raised. Ctrl-C and a closed generator set `stop`, interrupt
    the engine and wait until nothing runs.
    """
    todo = list(tasks)
    with ThreadPoolExecutor(max_workers=at_a_time, thread_name_prefix="stage") as pool:
        running: set[Future[T]] = set()
        try:
            while todo or running:
                while todo and len(running) < at_a_time:
                    running.add(pool.submit(todo.pop(0)))
                done, running = wait(running, timeout=TICK_S, return_when=FIRST_COMPLETED)
                yield [future.result() for future in done]
        except BaseException:
            if stop is not None:
                stop.set()
            _stop(engine, running)
            raise


def run_one(engine: Interruptible, task: Callable[[], T]) -> T:
    """Run one task on a worker thread and return its result."""
    results = [result for finished in run_jobs(engine, [task], 1) for result in finished]
    return results[0]


def _stop(engine: Interruptible, running: set[Future[T]]) -> None:
    while running:
        engine.interrupt()
        _, running = wait(running, timeout=TICK_S)


@contextmanager
def stoppable(fix: str = "build again: what was finished is kept") -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into our own errors while the main thread works.

    Raises:
        InterruptedBuildError: Ctrl-C.
        TerminatedBuildError: SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(_: int, __: FrameType | None) -> None:
        raise TerminatedBuildError("terminated", fix=fix)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedBuildError("interrupted", fix=fix) from None
    finally:
        signal.signal(signal.SIGTERM, before)
