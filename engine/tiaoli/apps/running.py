"""One run over a file of records: results to a file or a table, faults listed and counted, progress on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from tiaoli.apps.speech import language, note, say, words, wrong
from tiaoli.diagnostic import Diagnostic, errors
from tiaoli.errors import TiaoliError
from tiaoli.values import INSURED


def readable(path: Path) -> None:
    if path.is_dir():
        wrong(Diagnostic("E702", {"path": str(path)}))
    if not path.is_file():
        wrong(Diagnostic("E817", {"path": str(path)}))


Files = Sequence[tuple[str | None, Path]]
"""Files of records, each with the kind of its records where it was named."""


def files_of(
    texts: Sequence[str], kinds: Callable[[str], str | None], named: Callable[[str], object], folders: bool = False
) -> Files:
    """Read the files named: `records.csv`, or `统筹地区=regions.csv` for records that do not say their kind.

    ``kinds`` knows the kinds; ``named`` refuses what is none. ``folders``: they may be folders as well.
    """
    found: list[tuple[str | None, Path]] = []
    for text in texts:
        name, sign, rest = text.partition("=")
        kind = kinds(name) if sign and not Path(text).exists() else None
        if sign and kind is None and Path(rest).exists() and not Path(text).exists():
            named(name)
        found.append((kind, Path(rest if kind is not None else text)))
        if not (folders and found[-1][1].is_dir()):
            readable(found[-1][1])
    return found


def keep_apart(records: Files, also_read: Sequence[Path | None], written: Sequence[Path | None]) -> None:
    """Results never overwrite what is read, nor each other, nor come to lie in a folder that is read; no file of records is read twice."""
    from tiaoli.results import output_of

    read: list[Path] = []
    for _, path in records:
        if path.resolve() in read:
            wrong(Diagnostic("E849", {"path": str(path)}))
        read.append(path.resolve())
    taken = {*read, *(path.resolve() for path in also_read if path is not None)}
    folders = [path for path in read if path.is_dir()]
    kinds = dict.fromkeys(kind or INSURED for kind, _ in records)
    for path in (output_of(p, kind) for p in written if p is not None for kind in kinds):
        if path.resolve() in taken or path.resolve().parent in folders:
            wrong(Diagnostic("E826", {"path": str(path)}))
        taken.add(path.resolve())


def writable(path: Path | None) -> None:
    if path is None:
        return
    reason = None
    if path.is_dir():
        reason = words("是一个目录", "it is a folder")
    elif not path.parent.is_dir():
        reason = words(f"没有目录 {path.parent}", f"there is no folder {path.parent}")
    elif not os.access(path.parent, os.W_OK):
        reason = words("没有写的权限", "no permission to write")
    if reason is not None:
        wrong(Diagnostic("E824", {"path": str(path), "reason": reason}))


def read_states(path: Path | None) -> dict[Any, Any] | None:
    from tiaoli.results import read_openings

    if path is None:
        return None
    readable(path)
    try:
        return read_openings(path)
    except UnicodeDecodeError:
        reason = "不是 JSON Lines 文本；表（.parquet 等）里的状态，计算表时才能用\0it is no text in JSON Lines; states in a table (.parquet …) are for runs over tables"
        wrong(Diagnostic("E822", {"reason": reason}, path=str(path)))
    except ValueError as error:
        reason, line = error.args
        wrong(Diagnostic("E822", {"reason": reason}, path=str(path), line=line, column=1))


def not_encoded(program: Any, given: Collection[str]) -> None:
    """Say which results a full run does not give here, ``given`` being those it gives, and which figures they wait for."""
    if missing := [name for name in program.unencoded_outputs if name not in given]:
        figures = "、".join(dict.fromkeys(p for name in missing for p in program.unencoded[name]))
        names = "、".join(missing)
        note(
            f"{program.place} 未编码的结果：{names}（当地没有 {figures}）。",
            f"not encoded for {program.place}: {names} ({figures} has no value there).",
        )


def state_line(path: Path, entity: str | None, ident: str | None) -> int | None:
    """Return the line of a record's state in a file of states."""
    from tiaoli.results import state_key

    with path.open(encoding="utf-8") as stream:
        return next(
            (n for n, line in enumerate(stream, 1) if line.strip() and state_key(line) == (entity, ident)), None
        )


class Run:
    """One run over files of records: results out, faults listed and counted.

    Persons who need no other records are computed one by one as they are read; otherwise all are read first (``staged``).
    """

    SHOWN = 20
    """Messages listed of each code; the rest are counted."""

    BREACHES = 3
    """Breaches listed of each mandate."""

    PORTION = 20_000
    """Persons computed at a time where nothing but persons waits for them."""

    def __init__(
        self,
        rules: Any,
        compiled: Any,
        openings: dict[Any, Any] | None,
        strict: bool,
        staged: Any = None,
        every: bool = False,
        states: Path | None = None,
    ) -> None:
        self.rules, self.compiled, self.openings, self.strict, self.staged = rules, compiled, openings, strict, staged
        self.every, self.states = every, states
        self.people = self.faults = self.broken = self.breaches = 0
        self.others: dict[str, int] = {}
        self.unshown = 0
        self.codes: dict[str, int] = {}
        self.mandates: dict[tuple[str, str, str], list[str]] = {}
        self.last_fault = ""

    @property
    def kinds(self) -> list[Any]:
        """What is computed of each kind of record that has results."""
        if self.staged is None:
            return [self.compiled]
        every = list(self.staged.kinds.values())
        return [c for c in every if c.outputs] or every[:1]

    def go(self, records: Files, output: Path | None, closing: Path | None, header: bool) -> bool:
        from contextlib import ExitStack

        from tiaoli.results import closing_line, open_sink, whole_file

        try:
            with ExitStack() as stack:
                sink = None if output is None else open_sink(stack, self.kinds, output, header)
                states = None
                if closing is not None:
                    states = stack.enter_context(stack.enter_context(whole_file(closing)).open("w", encoding="utf-8"))
                table = None if output is not None else _Table(self.kinds)
                shown = {compiled.entity for compiled in self.kinds}
                for result in self._results(records) if self.staged is None else self._together(records):
                    if states is not None and (
                        result.compiled.memory or result.compiled.memory_facts or not self.staged
                    ):
                        year, state = result.closing()
                        states.write(closing_line(result.person.id, year, state, result.person.entity))
                    if result.person.entity in shown:
                        (sink or table).add(result.person.id, result.rows, result.person.entity)  # type: ignore[union-attr]
                if not self.people and not self.others and (self.faults or self.broken):
                    raise _NothingReadError
                if sink is not None:
                    sink.close()
                if table is not None:
                    table.show()
        except _NothingReadError:
            self._count(None)
            raise typer.Exit(2 if self.last_fault == "E703" else 1) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            wrong(Diagnostic("E824", {"path": str(output or closing or "stdout"), "reason": error.strerror or ""}))
        self._count(output)
        self._not_encoded()
        return bool(self.faults or self.broken or self.breaches)

    def _results(self, records: Files) -> Iterator[Any]:
        from tiaoli.api import EvaluationError, UsageError
        from tiaoli.people import memberless
        from tiaoli.records import Fault
        from tiaoli.values import INSURED

        reader = self.rules.reader(self.compiled, self.openings is not None)
        self._show(memberless(self.compiled))
        watched = any(self.compiled.watched.values())
        for person in progress(reader.read_all(records)):
            if isinstance(person, Fault):
                self._fault(person.diagnostics, person.whole)
                continue
            try:
                result = self.rules.run(self.compiled, person, self._opening(person.id))
            except (EvaluationError, UsageError, _NoOpening) as error:
                self._fault([self._at_state(d, INSURED, person.id) for d in error.diagnostics])
                continue
            self.people += 1
            if watched:
                self._watch(result)
            yield result

    def _together(self, records: Files) -> Iterator[Any]:
        """The results of records that need each other: all are read before the first is computed."""
        from tiaoli.records import Fault
        from tiaoli.values import INSURED

        def heard(items: Iterable[Any]) -> Iterator[Any]:
            for item in items:
                if isinstance(item, Fault):
                    self._fault(item.diagnostics, item.whole)
                yield item

        watched = {entity for entity, c in self.staged.kinds.items() if any(c.watched.values())}
        reader = self.rules.reader_of(self.staged, self.openings is not None)
        files, apart = self._ordered(records)
        items = heard(progress(reader.read_all(files)))
        first = True
        for portion, more in self._portions(items) if apart else [(list(items), False)]:
            population = self.rules.populate(self.staged, portion, self.openings)
            known = sum(isinstance(item, Fault) for item in portion)
            for fault in population.faults[known:]:
                if first or fault.entity == INSURED:
                    placed = reader.placed(fault).diagnostics
                    self._fault([self._at_state(d, fault.entity, fault.person) for d in placed])
            if first:
                self._show(population.warnings)
            first = False
            for result in population:
                entity = result.person.entity
                if entity != INSURED and more:
                    continue
                if entity == INSURED:
                    self.people += 1
                else:
                    self.others[entity] = self.others.get(entity, 0) + 1
                if entity in watched:
                    self._watch(result)
                yield result

    def _ordered(self, records: Files) -> tuple[Files, bool]:
        """The files without persons first; and whether persons may come in portions: nobody needs them, and their files hold nothing else."""
        from tiaoli.records import RecordReader
        from tiaoli.values import INSURED

        reader = RecordReader(self.staged.program, range(0))
        kinds = {path: reader.kinds_in(path, kind) for kind, path in records}
        apart = self.staged.persons_only_read and all(
            found == {INSURED} or INSURED not in found for found in kinds.values()
        )
        return sorted(records, key=lambda file: INSURED in kinds[file[1]]), apart

    def _portions(self, items: Iterable[Any]) -> Iterator[tuple[list[Any], bool]]:
        """Yield persons in portions, each with the other records, which come first; and whether more follow.

        Where the others are many, all are one portion: they are computed with each.
        """
        from tiaoli.values import INSURED

        others: list[Any] = []
        portion: list[Any] = []
        for item in items:
            if item.entity == INSURED and len(portion) >= self.PORTION >= len(others):
                yield [*others, *portion], True
                portion = []
            (portion if item.entity == INSURED else others).append(item)
        yield [*others, *portion], False

    def _opening(self, ident: str) -> Any:
        from tiaoli.api import UsageError
        from tiaoli.people import no_state
        from tiaoli.values import INSURED

        if self.openings is None:
            return None
        if (INSURED, ident) not in self.openings:
            raise _NoOpening([self._at_state(no_state(ident), INSURED, ident)])
        try:
            return self.rules.state(self.openings[INSURED, ident], self.compiled.program)
        except UsageError as error:
            raise _NoOpening([self._at_state(d, INSURED, ident) for d in error.diagnostics]) from None

    def _at_state(self, diagnostic: Diagnostic, entity: str | None, ident: str | None) -> Diagnostic:
        """What is wrong with a state points to its line in the file of states."""
        if diagnostic.code != "E822" or self.states is None:
            return diagnostic
        line = state_line(self.states, entity, ident) if self.codes.get("E822", 0) < self.SHOWN else None
        zh, _, en = str(diagnostic.arguments["reason"]).partition("\0")
        reason = zh + "\0" + en if str(ident) in zh else f"{ident}：{zh}\0{ident}: {en}"
        return replace(diagnostic, arguments={"reason": reason}, path=str(self.states), line=line, column=line and 1)

    def _watch(self, result: Any) -> None:
        """Say the first mandates that are broken, of each the first few times; the rest are counted."""
        found = self.rules.breaches(result)
        self.breaches += bool(errors(found))
        for breach in found:
            key = (breach.code, str(breach.arguments["mandate"]), str(breach.arguments["basis"]))
            broken = self.mandates.setdefault(key, [])
            broken.append(str(breach.arguments["person"]))
            if len(broken) <= self.BREACHES:
                say([breach])

    def _count_breaches(self) -> None:
        for (code, mandate, _), broken in self.mandates.items():
            more, records = len(broken) - self.BREACHES, len(set(broken))
            if more > 0:
                note(
                    f"要求“{mandate}”还有 {more} 处不符没有列出（{code}；共 {len(broken)} 处，{records} 条记录）。",
                    f"mandate '{mandate}': {more} more breaches are not listed ({code}; {len(broken)} in all, of {records} records).",
                )

    def _fault(self, diagnostics: Sequence[Diagnostic], whole: bool = False) -> None:
        """A record left out; or (``whole``) what is wrong with a file, which is no record."""
        self.faults += not whole
        self.broken += whole
        self.last_fault = diagnostics[0].code
        self._show(diagnostics)
        if self.strict:
            note("遇到有错的记录，已停止（--strict）。", "stopped at a faulty record (--strict).")
            raise typer.Exit(1)

    def _show(self, diagnostics: Sequence[Diagnostic]) -> None:
        for diagnostic in diagnostics:
            count = self.codes[diagnostic.code] = self.codes.get(diagnostic.code, 0) + 1
            if count <= self.SHOWN:
                say([diagnostic])
            else:
                self.unshown += 1

    def _count(self, output: Path | None) -> None:
        self._count_breaches()
        if self.unshown:
            rest = "，".join(f"{code} {count - self.SHOWN}" for code, count in self.codes.items() if count > self.SHOWN)
            note(
                f"还有 {self.unshown} 条同类消息没有列出（{rest}）。",
                f"{self.unshown} more messages are not listed ({rest}).",
            )
        where = f" → {'、'.join(map(str, self._written(output)))}" if output is not None else ""
        others = [f"{entity} {count}" for entity, count in self.others.items()]
        note(
            f"计算了 {'、'.join([f'{self.people} 人', *others])}{where}；{self.faults} 条记录有错，没有计算"
            + (f"；文件有 {self.broken} 处错误，没有读下去。" if self.broken else "。"),
            f"computed: {', '.join([str(self.people), *others])}{where}; faulty records left out: {self.faults}"
            + (f"; mistakes of files, which were not read on: {self.broken}." if self.broken else "."),
        )

    def _not_encoded(self) -> None:
        if self.every:
            not_encoded(self.kinds[0].program, {n for c in self.kinds for n in c.outputs})

    def _written(self, output: Path) -> list[Path]:
        from tiaoli.results import output_of

        return [output_of(output, c.entity) for c in self.kinds] if output.suffix.lower() == ".csv" else [output]


class _NothingReadError(Exception):
    """No record could be computed: nothing is written, an older output stays."""


class _NoOpening(TiaoliError):
    pass


class _Table:
    """Results for the terminal; long ones are cut with a word on how to get them all."""

    LIMIT = 200

    def __init__(self, kinds: Sequence[Any]) -> None:
        self.rows: list[tuple[str, str, int, list[str]]] = []
        self.kinds, self.left_out = {compiled.entity: compiled for compiled in kinds}, 0

    def add(self, ident: str, rows: Any, entity: str) -> None:
        from tiaoli.results import shown_cells

        for year, row in rows.items():
            if len(self.rows) < self.LIMIT:
                self.rows.append((entity, ident, year, shown_cells(self.kinds[entity], row, year, language())))
            else:
                self.left_out += 1

    def show(self) -> None:
        from rich.console import Console
        from rich.table import Table

        from tiaoli.results import provenance
        from tiaoli.values import INSURED

        console = Console(width=None if sys.stdout.isatty() else 10_000)
        people: dict[tuple[str, str], list[tuple[int, list[str]]]] = {}
        for entity, ident, year, cells in self.rows:
            people.setdefault((entity, ident), []).append((year, cells))
        for (entity, ident), rows in people.items():
            title = ident if entity == INSURED else f"{entity} {ident}"
            table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
            table.add_column(words("年度", "year"), no_wrap=True)
            for year, _ in rows:
                table.add_column(str(year), justify="right", no_wrap=True)
            for index, name in enumerate(self.kinds[entity].outputs):
                table.add_row(name, *(cells[index] for _, cells in rows))
            console.print(table)
        first = next(iter(self.kinds.values()))
        origin = provenance(first.program, first.readings)
        print(f"{origin['地区']} · {origin['引擎']} · {words('规则集', 'rulesets')} {origin['规则集']}")
        if first.readings:
            print(words("读法", "readings") + ": " + "；".join(f"{k} = {v}" for k, v in first.readings.items()))
        if self.left_out:
            note(
                f"还有 {self.left_out} 行没有显示；用 --output 写入文件可得到全部。",
                f"{self.left_out} more rows are not shown; write all with --output.",
            )


def progress(items: Iterable[Any]) -> Iterator[Any]:
    """Pass the items on; on a terminal, what takes over a second shows how far it is."""
    if not sys.stderr.isatty():
        yield from items
        return
    from time import monotonic

    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    started = monotonic()
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=False) as bar:
        task = bar.add_task("", visible=False)
        for count, item in enumerate(items, 1):
            yield item
            if count % 256 == 0 and (spent := monotonic() - started) > 1:
                text = words(
                    f"已计算 {count:,} 人，每秒 {count / spent:,.0f} 人", f"{count:,} people, {count / spent:,.0f}/s"
                )
                bar.update(task, description=text, visible=True)
