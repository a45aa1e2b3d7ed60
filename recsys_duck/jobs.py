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

from recsys_duck.errors import InterruptedBuildError, RecsysDuckError, ResourceError, TerminatedBuildError

T = TypeVar("T")
TICK_S = 0.1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)  # the last is the stopper's own


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
                    with starting():
                        running.add(pool.submit(todo.pop(0)))
                done, running = wait(running, timeout=TICK_S, return_when=FIRST_COMPLETED)
                refuse_stop()
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


def no_more_threads(where: str, cause: str) -> ResourceError:
    """Make the error of a system that refuses another thread."""
    fix = "lower --threads N, or allow more processes: ulimit -u N"
    return ResourceError("the system starts no more threads", where=where, fix=fix, cause=cause)


@contextmanager
def starting() -> Iterator[None]:
    """Tell as ours that a thread can't be started.

    Raises:
        ResourceError: it can't.
    """
    try:
        yield
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        raise no_more_threads("this process", str(error)) from None


def _stop(engine: Interruptible, running: set[Future[T]]) -> None:
    while running:
        engine.interrupt()
        _, running = wait(running, timeout=TICK_S)


class _Stopper:
    """What hears a signal: the first one stops the work, later ones don't stop the clearing up.

    It raises no `Exception`, which code between here and `stoppable` might take for a failure of its own,
    and waits for the end of an import: a C module aborts the process where its start is interrupted.
    """

    def __init__(self) -> None:
        self.heard: int = 0
        self.fixes: list[str] = []
        self.fix = ""
        self._has_raised = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.heard:
            self.heard, self.fix = number, next((fix for fix in reversed(self.fixes) if fix), "")
        if self._has_raised:
            return
        if _is_importing(frame):
            signal.setitimer(signal.ITIMER_REAL, TICK_S)  # and looks again
            return
        self._has_raised = True
        raise KeyboardInterrupt

    def error(self) -> RecsysDuckError:
        """Make the error of the signal that was heard."""
        if self.heard == signal.SIGTERM:
            return TerminatedBuildError("terminated", fix=self.fix)
        return InterruptedBuildError("interrupted", fix=self.fix)


@contextmanager
def stoppable(fix: str = "build again with recsys-duck build: what was finished is kept") -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into our own errors while the main thread works; may stand inside another.

    Whatever comes up once a signal was heard is that signal's doing: DuckDB, for one, ends a call of the
    main thread with a RuntimeError.

    Raises:
        InterruptedBuildError: Ctrl-C.
        TerminatedBuildError: SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outer = _stopper()
    stopper = outer or _Stopper()
    before = {} if outer else {one: signal.signal(one, stopper) for one in SIGNALS if _is_heeded(one)}
    stopper.fixes.append(fix)
    try:
        yield
        refuse_stop()
    except GeneratorExit:
        raise
    except BaseException as error:
        if stopper.heard:
            raise stopper.error() from None
        if isinstance(error, KeyboardInterrupt):
            raise InterruptedBuildError("interrupted", fix=fix) from None
        raise
    finally:
        stopper.fixes.pop()
        if before:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for one, handler in before.items():
            signal.signal(one, handler)


def stay_stopped() -> None:
    """Heed no further signal: the process has told that it was stopped, and ends."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)


def refuse_stop() -> None:
    """Raise again where a signal was heard and what it raised was swallowed, as callbacks of C code do."""
    stopper = _stopper() if threading.current_thread() is threading.main_thread() else None
    if stopper is not None and stopper.heard:
        raise KeyboardInterrupt


def _stopper() -> _Stopper | None:
    handler = signal.getsignal(signal.SIGTERM)
    return handler if isinstance(handler, _Stopper) else None


def _is_heeded(number: signal.Signals) -> bool:
    """Tell whether a signal does anything: `nohup` and a shell's `&` have Ctrl-C ignored."""
    return signal.getsignal(number) is not signal.SIG_IGN


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None
