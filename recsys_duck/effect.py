"""Effects: whether a parameter that is set changes anything in a project.

One that no stage of the kind reads is refused. One that other settings leave without effect is told: those
settings may be of this run alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Set

from recsys_duck.errors import ProjectError, near_miss, raise_problems
from recsys_duck.parameters import Setting, Value
from recsys_duck.stage import Stage

TOML, COMMAND = "recsys.toml", "command line"
# read before there are stages: it chooses them
CHOOSES_STAGES = "models"


def read_parameters(stages: Iterable[Stage]) -> set[str]:
    """Name every parameter that stages read, or that decides whether they are made."""
    return {name for stage in stages for name in (*stage.parameters, *stage.only_if)} | {CHOOSES_STAGES}


def refuse_unread(settings: Mapping[str, Setting], read: Set[str], *, kind: str, file: str) -> None:
    """Refuse parameters that are set in recsys.toml (`file`) or on the command line, and that nothing reads.

    Raises:
        ProjectError: or several at once; names what the kind reads.
    """
    known = sorted(read & settings.keys())
    problems = []
    for name, setting in settings.items():
        if setting.source in (TOML, COMMAND) and name not in read:
            near = near_miss(name, known, cutoff=0.75)  # it is no misspelling: less near misleads
            hint = f"{near} " if near.startswith("did you mean") else ""
            problems.append(
                ProjectError(
                    f"parameter {name} is set, but no stage of kind {kind} reads it",
                    where=f"{file}, [parameters]" if setting.source == TOML else f"--set {name}={setting.value.text()}",
                    fix=f"{hint}leave it out; kind {kind} reads {', '.join(known)}",
                )
            )
    raise_problems(problems)


def without_effect(
    settings: Mapping[str, Setting], stages: Mapping[str, Stage], active: Mapping[str, Stage]
) -> Iterator[str]:
    """Tell of parameters that are set to more than their default, and that other settings leave without effect.

    A setting of recsys.toml that the command line leaves without effect is no mistake, and is not told.
    """
    read = read_parameters(active.values())
    for name, setting in settings.items():
        if setting.source not in (TOML, COMMAND) or setting.value.data == setting.parameter.default:
            continue
        because = _conditions(setting, settings) | (_makers(name, stages) if name not in read else {})
        told = [one for one in because if setting.source == COMMAND or settings[one].source != COMMAND]
        if told and len(told) == len(because):
            values = " and ".join(f"{one} = {settings[one].value.text()}" for one in told)
            fix = ", ".join(one for one in because.values() if one)
            yield f"{name} = {setting.value.text()} has no effect with {values}: {fix}"


def _conditions(setting: Setting, settings: Mapping[str, Setting]) -> dict[str, str]:
    """Find the parameters that would give a setting an effect, each with how; nothing where one does."""
    wanted = setting.parameter.used_if
    if any(settings[one].value.data in values for one, values in wanted.items()):
        return {}
    shown = {one: Value("", values[0]).text() for one, values in wanted.items()}
    return {one: f"--set {one}={text}" if at == 0 else "" for at, (one, text) in enumerate(shown.items())}


def _makers(name: str, stages: Mapping[str, Stage]) -> dict[str, str]:
    """Find the parameters that would make the stages that read a parameter."""
    makers: dict[str, str] = {}
    for stage in stages.values():
        if name in stage.parameters and stage.only_if:
            for one in stage.only_if:
                makers.setdefault(one, f"--set {one}=1")
        elif name in stage.parameters and stage.part:
            makers.setdefault(CHOOSES_STAGES, f"add {stage.part} to {CHOOSES_STAGES}")
    return makers
