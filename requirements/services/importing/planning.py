"""What an import would do, requirement by requirement. It reads, and stores nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evidence.access import Principal
from evidence.digests import sha256_hex
from evidence.errors import InvalidInput
from evidence.limits import check_count
from evidence.models import System
from evidence.models.base import LABEL_LENGTH
from evidence.nearest import hint_at, nearest_name
from evidence.worded import worded
from requirements import acts
from requirements.drafts import RequirementDraft
from requirements.errors import RequirementFileInvalid
from requirements.selectors.source_files import files_of, newest_digests
from requirements.selectors.standing import (
    NewestVersion,
    Origin,
    find_concerned,
    holders_of_external_ids,
    origins_of,
    standing_of,
)
from requirements.services.importing.contracts import (
    NO_MOVES,
    Act,
    Conflict,
    FilePlan,
    ImportPlan,
    Moves,
    SourceText,
    Step,
)
from requirements.signs import fault_in
from requirements.yaml_import import FileProblem, RequirementFile, read_requirement_file


def plan_import(
    *, principal: Principal, system: System, sources: Sequence[SourceText], moves: Moves = NO_MOVES
) -> ImportPlan:
    """Return what an import of these files would do now.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_import_requirements` does.
        RequirementFileInvalid: every fault of every file, each with its line.
        InvalidInput: no file, a name that is none, two files of one name, or more requirements than are allowed.
    """
    acts.check_can_import_requirements(principal, system)
    return draw_plan(system, sources, moves)


def draw_plan(system: System, sources: Sequence[SourceText], moves: Moves) -> ImportPlan:
    """Return the plan, for somebody who may have it; otherwise as `plan_import`."""
    _check_names(sources)
    parsed = _parse(sources)
    check_count(
        sum(len(file.requirements) for file in parsed),
        "MAX_REQUIREMENTS",
        worded("The requirements of an import"),
    )
    names = [file.file for file in parsed]
    keys = [draft.key for file in parsed for draft in file.requirements]
    _check_moves(system, moves, keys)
    concerned = find_concerned(system, keys=keys, files=names)
    standing = standing_of(list(concerned))
    store = _Store(
        standing, origins_of(list(concerned)), moves, _where(parsed), frozenset(names),
        {key.lower(): key for key in standing},
    )  # fmt: skip
    steps: list[Step] = []
    conflicts: list[Conflict] = []
    for file in parsed:
        for draft in file.requirements:
            match store.step(file.file, file.lines[draft.key], draft):
                case Step() as step:
                    steps.append(step)
                case Conflict() as conflict:
                    conflicts.append(conflict)
    steps += store.dropped(names)
    conflicts += _clashes_of_external_ids(system, parsed, keys)
    imported = newest_digests(system, names)
    files = tuple(
        FilePlan(
            name=file.file,
            digest=(digest := sha256_hex(source.source)),
            baseline=file.baseline,
            keys=tuple(draft.key for draft in file.requirements),
            is_as_imported=imported.get(file.file) == digest,
            warnings=file.warnings,
            links=file.links,
        )
        for file, source in zip(parsed, sources, strict=True)
    )
    return ImportPlan(files, tuple(steps), tuple(conflicts), moves)


def _check_names(sources: Sequence[SourceText]) -> None:
    if not sources:
        raise InvalidInput(worded("An import takes at least one file."))
    names = [each.name for each in sources]
    for name in names:
        if not 0 < len(name.strip()) <= LABEL_LENGTH:
            raise InvalidInput(
                worded(
                    "The name of a file has 1 to %(most)s characters: %(name)s.",
                    most=LABEL_LENGTH,
                    name=repr(name[:LABEL_LENGTH]),
                )
            )
        if "\n" in name or "\t" in name or (fault := fault_in(name)):
            told = worded("holds a tab or the end of a line") if "\n" in name or "\t" in name else fault
            raise InvalidInput(worded("The name of a file %(told)s: %(name)s.", told=told, name=repr(name)))
    if (
        twice := sorted({name for name in names if names.count(name) > 1})
        if len(set(names)) < len(names)
        else []
    ):
        raise InvalidInput(
            worded(
                "Two files are called %(twice)s: a requirement belongs to a file by its name.",
                twice=repr(twice[0]),
            )
        )


def _check_moves(system: System, moves: Moves, keys: Collection[str]) -> None:
    """See that what may move is there: a key of these files, a file that was imported."""
    for named, known, what in (
        (moves.keys, keys, worded("requirement in these files")),
        (moves.from_files, files_of(system) if moves.from_files else (), worded("file that was imported")),
    ):
        for name in sorted(named.difference(known)):
            hint = hint_at(nearest_name(name, known))
            raise InvalidInput(
                worded(
                    "Nothing moves from or as %(name)s: no %(what)s is called so; %(hint)s",
                    name=repr(name),
                    what=what,
                    hint=hint,
                )
            )


def _parse(sources: Sequence[SourceText]) -> list[RequirementFile]:
    """Read all files, or tell the faults of all."""
    parsed, problems = [], []
    for each in sources:
        try:
            parsed.append(read_requirement_file(each.source, each.name))
        except RequirementFileInvalid as exc:
            problems += exc.problems
    problems = problems or list(_held_twice(parsed))
    if problems:
        raise RequirementFileInvalid(problems)
    return parsed


def _held_twice(parsed: Sequence[RequirementFile]) -> Iterator[FileProblem]:
    """Yield what two files of one import hold, also where the keys differ in capitals only."""
    first: dict[str, tuple[str, str, int]] = {}
    for file in parsed:
        for draft in file.requirements:
            line = file.lines[draft.key]
            name, key, there = first.setdefault(draft.key.lower(), (file.file, draft.key, line))
            if name != file.file:
                told = worded(
                    "%(key)s is in %(file)s:%(line)s as well: a requirement belongs to one file",
                    key=key,
                    file=name,
                    line=there,
                )
                yield FileProblem(file.file, line, 1, draft.key, "duplicate_key", told)


def _where(parsed: Sequence[RequirementFile]) -> dict[str, str]:
    return {draft.key: file.file for file in parsed for draft in file.requirements}


@dataclass(frozen=True, slots=True)
class _Store:
    """How the requirements concerned stand, and where those of the plan are."""

    standing: Mapping[str, NewestVersion]
    origins: Mapping[str, Origin]
    moves: Moves
    where: Mapping[str, str]  # key -> the file of this import that holds it
    files: frozenset[str]  # of this import
    small: Mapping[str, str]  # key in lower case -> key of what stands

    def step(self, file: str, line: int, draft: RequirementDraft) -> Step | Conflict:
        """Return what becomes of a requirement that a file holds, or why nothing can."""
        standing, origin = self.standing.get(draft.key), self.origins.get(draft.key)
        if standing is None and (other := self._in_other_case(draft.key)):
            told = worded(
                "%(other)s is there, and differs from %(key)s in capitals only: write it as "
                "%(other)s, or otherwise",
                other=other,
                key=draft.key,
            )
            problem = FileProblem(file, line, 1, draft.key, "key_differs_in_case", told, other)
            return Conflict(problem, draft.key, can_move=False)
        digest = draft.digest
        act = _act_of(standing, digest)
        step = Step(draft.key, act, file, line, draft, digest, standing, origin)
        if origin is None:
            return _with(step, Act.ADOPTED) if act is Act.UNCHANGED else step
        if origin.file == file:
            return _with(step, Act.ADOPTED) if act is Act.UNCHANGED and origin.dropped else step
        if origin.dropped or self._is_given_up(draft.key, origin) or self.moves.allow(draft.key, origin):
            return _with(step, Act.MOVED)
        if act is Act.UNCHANGED:
            return Step(draft.key, act, file, line, draft, digest, standing, origin, held_elsewhere=True)
        told = worded(
            "%(key)s came from %(origin)s: change it there, or name it as moved to %(file)s",
            key=draft.key,
            origin=origin,
            file=file,
        )
        problem = FileProblem(file, line, 1, draft.key, "key_of_another_file", told)
        return Conflict(problem, draft.key, can_move=True)

    def dropped(self, files: Collection[str]) -> Iterator[Step]:
        """Yield what these files held and hold no longer, unless it is retired or in another file of the import."""
        named = set(files)
        for key, origin in sorted(self.origins.items()):
            standing = self.standing[key]
            if origin.file not in named or key in self.where:
                continue
            if origin.dropped and standing.state == "retired":
                continue
            yield Step(key, Act.DROPPED, origin.file, None, None, "", standing, origin)

    def _is_given_up(self, key: str, origin: Origin) -> bool:
        """Whether the file that owns a key is in this import too, and holds it no longer."""
        return origin.file in self.files and self.where.get(key) != origin.file

    def _in_other_case(self, key: str) -> str | None:
        return self.small.get(key.lower())


def _act_of(standing: NewestVersion | None, digest: str) -> Act:
    if standing is None:
        return Act.ADDED
    if standing.content_digest != digest:
        return Act.CHANGED
    return Act.UNCHANGED if standing.says(digest) else Act.RETURNED


def _with(step: Step, act: Act) -> Step:
    return Step(
        step.key, act, step.file, step.line, step.draft, step.content_digest, step.standing, step.origin
    )


def _clashes_of_external_ids(
    system: System, parsed: Sequence[RequirementFile], keys: Collection[str]
) -> Iterator[Conflict]:
    """Yield ids of another tool that two requirements would have: of one import, or one that stands as it is."""
    given: dict[str, str] = {}
    held = holders_of_external_ids(
        system, [draft.external_id for file in parsed for draft in file.requirements]
    )
    known = set(keys)
    for file in parsed:
        for draft in file.requirements:
            if not draft.external_id:
                continue
            other = given.setdefault(draft.external_id, draft.key)
            holder = held.get(draft.external_id, draft.key)
            if other == draft.key and holder not in known:
                other = holder
            if other != draft.key:
                told = worded(
                    "the external_id %(external_id)s is %(other)s's: no two requirements have the same",
                    external_id=repr(draft.external_id),
                    other=other,
                )
                problem = FileProblem(
                    file.file, file.lines[draft.key], 1, draft.key, "duplicate_external_id", told
                )
                yield Conflict(problem, draft.key, can_move=False)
