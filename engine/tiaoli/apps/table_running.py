"""`run` over tables: which engine, what the table is, progress while it computes, and what became of everyone."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from tiaoli.apps.batch_commands import layout_of, needs_packages
from tiaoli.apps.options import choice
from tiaoli.apps.running import Files, not_encoded, readable, writable
from tiaoli.apps.speech import language, note, say, words, wrong
from tiaoli.diagnostic import Diagnostic
from tiaoli.values import INSURED

ENGINES = ("auto", "interpreter", "polars", "duckdb", "spark")
_WIDE = re.compile(rb"@[12][0-9]{3}\b")
"""What shows in the first line that a table has a column a year."""

LARGE = 32 << 20
"""Bytes from which a CSV file is computed as a table without being asked."""


ENVIRONMENT = {
    "POLARS_ROW_GROUP_PREFETCH_SIZE": "2",  # read ahead less than Polars would: it holds each group whole
    "OPENBLAS_NUM_THREADS": "1",  # NumPy is there for whole numbers: its threads for matrices would only spin
}
"""What a run sets for the libraries under it, where nobody else has."""


@dataclass(frozen=True)
class Options:
    """What `run` is told about tables; each is None or empty where it was not given. ``others``: options given that tables do not have."""

    engine: str
    layout: str | None = None
    units: str | None = None
    persons: Path | None = None
    rejects: Path | None = None
    reasons: bool = False
    resume: bool = False
    summary: Path | None = None
    by: Sequence[str] = ()
    others: Sequence[str] = ()

    @property
    def named(self) -> list[str]:
        """The options given that only tables have."""
        held = {
            "--layout": self.layout, "--units": self.units, "--persons": self.persons, "--rejects": self.rejects,
            "--reasons": self.reasons, "--resume": self.resume, "--summary": self.summary, "--by": self.by,
        }  # fmt: skip
        return [name for name, value in held.items() if value]


def engine_for(options: Options, files: Files, output: Path | None, opening: Path | None) -> str:
    """Return the engine that computes ``files``: the one named, else tables by columns (also small ones where ``output`` or ``opening`` is
    a table), and all other records one by one."""
    choice(options.engine, ENGINES, "--engine")
    if options.engine == "interpreter" and options.named:
        wrong(Diagnostic("E867", {"options": "、".join(options.named)}))
    if options.engine != "auto":
        return options.engine
    tables = [path for _, path in files if _is_table(path)]
    if not tables and output is not None and output.suffix.lower() in (".parquet", ".arrow"):
        wrong(Diagnostic("E871", {"path": str(output)}))
    beside = [path.suffix.lower() for path in (output, opening) if path is not None]
    asked = bool(options.named) or (bool(tables) and any(suffix in (".parquet", ".arrow") for suffix in beside))
    return "polars" if asked or any(map(_by_columns, tables)) else "interpreter"


def _is_table(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in (".parquet", ".arrow", ".feather", ".ipc", ".csv", ".xlsx")


def _by_columns(path: Path) -> bool:
    """Whether a file can only be read as a table, or had better be: it is wide, or large."""
    if path.is_dir() or path.suffix.lower() not in (".csv", ".xlsx"):
        return True
    if path.suffix.lower() == ".xlsx":
        return _wide_sheet(path)
    from tiaoli.batch.sources import first_line

    with path.open("rb") as stream:
        return _WIDE.search(first_line(stream)[1]) is not None or path.stat().st_size > LARGE


def _wide_sheet(path: Path) -> bool:
    from tiaoli.record_places import BrokenError
    from tiaoli.record_table import cells_of_workbook

    try:
        return any("@" in str(cell) for cell in next(iter(cells_of_workbook(path)), ()))
    except (BrokenError, OSError):
        return False


@dataclass
class TableRun:
    """One run of `tiaoli run` over tables."""

    rules: Any
    files: Files
    years: range
    names: Sequence[str] | None
    readings: Mapping[str, str]
    options: Options
    engine: str

    def go(self, output: Path | None, opening: Path | None, closing: Path | None) -> bool:
        """Run; return whether there were findings in the data."""
        resume = ["--resume"] if self.options.resume and self.engine in ("duckdb", "spark") else []
        if misplaced := [*self.options.others, *resume]:
            wrong(Diagnostic("E870", {"option": "、".join(misplaced)}))
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        more = {"duckdb": ("duckdb", "sqlglot"), "spark": ("pyspark", "sqlglot")}.get(self.engine, ())
        needs_packages(*more, extra="spark" if self.engine == "spark" else "batch")
        if not self._in_parts:
            self._sensible(output, closing, in_parts=False)
        kinds = {kind or INSURED: path for kind, path in self.files}
        if len(kinds) < len(self.files):
            wrong(Diagnostic("E868", {"kinds": "、".join(kind or INSURED for kind, _ in self.files)}))
        with _writable(output):
            return self._computed(kinds, output, opening, closing)

    def _computed(
        self, kinds: Mapping[str, Path], output: Path | None, opening: Path | None, closing: Path | None
    ) -> bool:
        if self.engine in ("duckdb", "spark"):
            return self._by_sql(kinds, output, opening, closing)
        with _readable([*kinds.values(), self.options.persons, opening]):
            if set(kinds) == {INSURED}:
                from tiaoli.batch.running import LinkedError

                with suppress(LinkedError):
                    return self._of_persons(kinds[INSURED], output, opening, closing)
            if self._in_parts:
                self._sensible(output, closing, in_parts=False)
            return self._together(kinds, output, opening, closing)

    # ── what is wished for ──
    def wish(self, layout: Any = None) -> Any:
        from tiaoli.batch.layout import Units
        from tiaoli.batch.running import Wish

        shape, units = None, Units.YUAN
        if self.options.layout is not None or self.options.units is not None:
            named = layout_of(self.options.layout or "wide", self.options.units or "元")
            shape = named[0] if self.options.layout is not None else None
            units = named[1]
        return Wish(
            self.years, None if self.names is None else tuple(self.names), self.readings, units, shape, self.options.reasons,
            tuple(dict.fromkeys(self.options.by)), language(),
        )  # fmt: skip

    @property
    def _in_parts(self) -> bool:
        """Whether the input is a folder whose files are computed one by one, unless its persons need each other."""
        alone = {kind or INSURED for kind, _ in self.files} == {INSURED}
        return alone and any(path.is_dir() for _, path in self.files) and self.engine == "polars"

    def _sensible(self, output: Path | None, closing: Path | None, in_parts: bool) -> None:
        from tiaoli.batch.sources import OUTPUTS

        for name, path in (("--output", output), ("--closing", closing)):
            if path is None or self.engine == "spark":
                continue
            if in_parts and not path.is_dir() and path.suffix:
                wrong(Diagnostic("E825", {"text": f"{name} {path}", "form": f"{name} {words('目录', 'FOLDER')}/"}))
            if not in_parts and path.suffix.lower() not in OUTPUTS:
                wrong(Diagnostic("E825", {"text": f"{name} {path}", "form": f"{name} *{'|*'.join(OUTPUTS)}"}))
            writable(path / "x" if in_parts and path.is_dir() else path)
        for name, path in (("--rejects", self.options.rejects), ("--summary", self.options.summary)):
            if path is not None and path.suffix.lower() not in (".csv", ".parquet") and self.engine != "spark":
                wrong(Diagnostic("E825", {"text": f"{name} {path}", "form": f"{name} *.csv|*.parquet"}))
            if path is not None:
                writable(path)
        if self.options.persons is not None:
            readable(self.options.persons)
        if self.options.resume and (not in_parts or output is None):
            wrong(Diagnostic("E869", {}))

    # ── persons alone ──
    def _of_persons(self, source: Path, output: Path | None, opening: Path | None, closing: Path | None) -> bool:
        import polars as pl

        from tiaoli.batch.layout import ID
        from tiaoli.batch.parts import Files as Places
        from tiaoli.batch.parts import left_behind, run_files
        from tiaoli.batch.running import Run
        from tiaoli.batch.sources import files_of

        with _bar(source) as watch:
            states = (
                None
                if opening is None
                else opening_tables(opening, (INSURED,)).get(INSURED, pl.DataFrame(schema={ID: pl.String}))
            )
            folder = (output or source).parent if not source.is_dir() else (output or source)
            run = Run(self.rules, source, self.wish(), self.options.persons, states, folder, watch)
            run.ready(closing is not None)  # what is wrong with columns is said before anything is made
            if self._in_parts:
                self._sensible(output, closing, in_parts=True)
            self._state(run.shape, run.headings, run.layout)
            self._unread(source)
            self._alone(run.alone(), source)
            self._left_out(run.left_out(), opening, source)
            if output is None:
                shown = self._in_memory(run)
            else:
                for place in (output, closing):
                    if place is not None and source.is_dir():
                        place.mkdir(exist_ok=True)
                places = Places(output, closing, self.options.rejects, self.options.resume)
                count, rejects = run_files(run, places, self._part)
        if output is None:
            return self._shown(run, *shown)
        self._tell(count, rejects, output)
        self._not_encoded(run.program, run.names)
        stale = left_behind(run, output) if output.is_dir() else []
        for file in stale:
            note(
                f"{file}：是以前的结果，输入中已没有这一部分；没有删除，也没有计入。",
                f"{file}: results of before, of a part that the input has no more; neither removed nor counted.",
            )
        if self.options.summary is not None or self.options.by:
            from tiaoli.batch.running import scan

            files = files_of(output) if output.is_dir() else [output]
            written = [file for file in files if file not in stale]
            self._summarise(run, run.layout, {INSURED: pl.concat([scan(p, run.results_schema) for p in written])})
        return self._breached(run.program, count) or count.rejected > 0 or bool(stale)

    def _in_memory(self, run: Any) -> tuple[Any, Any, Any]:
        """The results of all parts as a frame, with counts and rejects."""
        import polars as pl

        from tiaoli.batch.running import Count, Rejects

        total, rejects, frames = Count(), Rejects(self.options.rejects), []
        with rejects:
            for part in run.parts:
                count, frame = run.part(part, None, None, rejects, run.folder)
                total.add(count)
                frames.append(frame)
        return pl.concat(frames), total, rejects

    def _shown(self, run: Any, frame: Any, total: Any, rejects: Any) -> bool:
        """Results on the terminal, no file: the first rows."""
        _print_frame(frame)
        self._tell(total, rejects, None)
        self._not_encoded(run.program, run.names)
        if self.options.summary is not None or self.options.by:
            self._summarise(run, run.layout, {INSURED: frame.lazy()})
        return self._breached(run.program, total) or total.rejected > 0

    def _part(self, part: Any, count: Any, kept: bool) -> None:
        if part.path is not None and kept:
            note(f"{part.path.name}：已有结果，没有重算。", f"{part.path.name}: results are there and were kept.")

    def _unread(self, folder: Path) -> None:
        """Say what in a folder is no table, and was not read."""
        from tiaoli.batch.sources import TABLES

        if not folder.is_dir():
            return
        found = sorted(p.name for p in folder.iterdir() if not p.name.startswith((".", "_")))
        other = [n for n in found if (folder / n).is_dir() or Path(n).suffix.lower() not in TABLES]
        if other:
            few = "、".join(other[:5]) + ("……" if len(other) > 5 else "")
            note(f"{folder} 中没有读：{few}（不是表）。", f"not read in {folder}: {few} (no tables).")

    def _alone(self, found: tuple[int, int], source: Path) -> None:
        """Say how many rows of the second table belong to nobody, and how many have no id."""
        alone, nameless = found
        if alone:
            note(
                f"{self.options.persons} 中有 {alone:,} 人不在 {source} 里，不算。",
                f"{alone:,} of {self.options.persons} do not stand in {source}, and are not computed.",
            )
        if nameless:
            note(
                f"{self.options.persons} 中有 {nameless:,} 行没有编号，没有用。",
                f"{nameless:,} rows of {self.options.persons} have no id, and were not used.",
            )

    def _left_out(self, number: int, opening: Path | None, source: Path) -> None:
        """Say how many have a state to go on from, and no row."""
        if number:
            note(
                f"{opening} 中有 {number:,} 人不在 {source} 里，不算，期末也没有他们；要算，须给出他们当年的行。",
                f"{number:,} of {opening} have no row in {source}: they are not computed, and have no state afterwards; to be computed, they need rows of the year.",
            )

    def _state(self, shape: Any, headings: Any, layout: Any) -> None:
        """Say how the table was understood."""
        from tiaoli.batch.layout import Shape, Units

        wide = shape is Shape.WIDE
        years = headings.years
        span = (f"，年度列 {years[0]}–{years[-1]}", f", columns for {years[0]}-{years[-1]}") if years else ("", "")
        yuan = self.wish().units is Units.YUAN
        note(
            f"{self.rules.place} · 引擎 {self.engine} · {'宽表（一人一行）' if wide else '长表（一人一年一行）'}{span[0] if wide else ''}"
            f" · 金额以{'元' if yuan else '分'}计"
            + ("" if layout is shape else f" · 结果为{'宽表' if layout is Shape.WIDE else '长表'}"),
            f"{self.rules.place} · engine {self.engine} · {'wide table (a row a person)' if wide else 'long table (a row a person and year)'}"
            f"{span[1] if wide else ''} · money in {'yuan' if yuan else 'fen'}"
            + ("" if layout is shape else f" · results {'wide' if layout is Shape.WIDE else 'long'}"),
        )

    # ── several kinds ──
    def _together(
        self, kinds: Mapping[str, Path], output: Path | None, opening: Path | None, closing: Path | None
    ) -> bool:
        from tiaoli.batch.running import Count, Rejects, scan
        from tiaoli.batch.together import Together
        from tiaoli.results import output_of

        rejects = Rejects(self.options.rejects)
        folder = (output or Path()).parent
        openings = {} if opening is None else opening_tables(opening, kinds)
        with _share(words("计算", "computing")), rejects:
            run = Together(self.rules, kinds, self.wish(), self.options.persons, openings, folder)
            if run.run is not None:
                self._state(run.run.shape, run.run.headings, run.layout)
                self._alone(run.run.alone(), kinds[INSURED])
                self._left_out(run.run.left_out(), opening, kinds[INSURED])
            counts, frames = run.go(output, closing, rejects)
        for warning in run.warnings:
            say([warning])
        for frame in frames.values():
            _print_frame(frame)
        total = Count()
        for count in counts.values():
            total.add(count)
        self._tell(total, rejects, output, {k: c.computed for k, c in counts.items() if c.computed})
        self._not_encoded(run.program, run.names)
        if self.options.summary is not None or self.options.by:
            held = {k: frames[k].lazy() if output is None else scan(output_of(output, k)) for k in run.with_results}
            self._summarise(run, run.layout, held)
        return self._breached(run.program, total) or total.rejected > 0

    # ── DuckDB and Spark ──
    def _by_sql(
        self, kinds: Mapping[str, Path], output: Path | None, opening: Path | None, closing: Path | None
    ) -> bool:
        """Parquet to Parquet by one SQL query, here or on a cluster; what is wrong with rows goes to the rejects."""
        options = self.options
        from tiaoli.batch.kinds import with_results
        from tiaoli.batch.parts import Files as Places
        from tiaoli.results import output_of

        engine = f"--engine {self.engine}"
        if output is None:
            wrong(Diagnostic("E825", {"text": engine, "form": f"{engine} --output *.parquet"}))
        openings = {} if opening is None else opening_tables(opening, kinds)
        for path in (*kinds.values(), *(p for p in (opening, options.persons) if p is not None)):
            if not path.is_dir() and path.suffix.lower() != ".parquet":
                wrong(Diagnostic("E825", {"text": str(path), "form": "*.parquet"}))
        program, names, _ = self.rules.wanted(self.years, self.names, self.readings, tuple(kinds))
        computed = with_results(program, names, kinds)
        started = self._on_spark if self.engine == "spark" else self._on_duckdb
        found, written = False, {}
        counted = dict.fromkeys(kinds, (1, 0))  # of kinds without results no more is known than that there are some
        for kind in computed or list(kinds)[:1]:
            after, left = (None if p is None else output_of(p, kind) for p in (closing, options.rejects))
            places = Places(output_of(output, kind), after, left)
            job, count = started(kinds, kind, openings, places)
            if kind == INSURED and options.persons is not None:
                self._alone((count.alone, count.nameless), kinds[INSURED])
            self._told(job, kind, count, places)
            written[kind] = self._written(output_of(output, kind))
            counted[kind] = (count.records, count.rejected)
            found = self._breached(job.program, count) or found or count.rejected > 0
        self._not_encoded(program, names)
        if len(kinds) > 1 or INSURED not in kinds:
            from tiaoli.batch.together import lacking

            for warning in lacking(self.rules.staged(self.years, self.names, self.readings, tuple(kinds)), counted):
                say([warning])
        if options.summary is not None or options.by:
            self._summarise(job, job.layout(next(iter(written))), written)
        return found

    def _on_duckdb(
        self, kinds: Mapping[str, Path], kind: str, openings: Mapping[str, Path], places: Any
    ) -> tuple[Any, Any]:
        from tiaoli.batch import duck

        def all_of(path: Path) -> str:
            return duck.all_of(path) if path.is_dir() else str(path)

        def files(own: Mapping[str, Path]) -> dict[str, str]:
            return {k: all_of(path) for k, path in own.items()}

        persons = None if self.options.persons is None else all_of(self.options.persons)

        with _share(words("计算", "computing")) as watch:
            return duck.run(
                self.rules, files(kinds), places.output, self.wish(), rejects=places.rejects, persons=persons, opening=files(openings),
                closing=places.closing, entity=kind, watch=watch,
            )  # fmt: skip

    def _on_spark(
        self, kinds: Mapping[str, Path], kind: str, openings: Mapping[str, Path], places: Any
    ) -> tuple[Any, Any]:
        from tiaoli.batch import spark

        left, after = (None if p is None else str(p) for p in (places.rejects, places.closing))
        with _share(words("Spark 计算", "computing on Spark")):
            return spark.run(
                self.rules, kinds, str(places.output), self.wish(), rejects=left, persons=self.options.persons, opening=openings,
                closing=after, entity=kind,
            )  # fmt: skip

    def _told(self, job: Any, kind: str, count: Any, places: Any) -> None:
        """Say how the table was understood, and what became of everyone."""
        headings = job.given[kind]
        self._state(headings.shape, headings, job.layout(kind))
        _balance(count, kind, places.output, places.rejects)

    def _written(self, output: Path) -> Any:
        import polars as pl

        from tiaoli.batch.running import scan

        return pl.scan_parquet(sorted(output.glob("*.parquet")), glob=False) if output.is_dir() else scan(output)

    # ── telling ──
    def _tell(self, count: Any, rejects: Any, output: Path | None, others: Mapping[str, int] | None = None) -> None:
        for one in rejects.shown:
            advice = f"\n  = {words('改法', 'help')}: {one.advice}" if one.advice else ""
            named = not one.ident or one.ident in one.reason
            who = "" if named else words(f"{one.ident}：", f"{one.ident}: ")
            print(f"{one.code} {who}{one.reason}{advice}", file=sys.stderr)
        more = rejects.lines - len(rejects.shown)
        if more > 0:
            codes = "，".join(f"{code} {number}" for code, number in sorted(rejects.codes.items()))
            note(f"还有 {more} 处没有列出（全部：{codes}）。", f"{more} more are not listed (all: {codes}).")
        _balance(count, INSURED, output, rejects.path if rejects.lines else None, others)

    def _not_encoded(self, program: Any, given: Sequence[str]) -> None:
        if self.names is None:
            not_encoded(program, given)

    def _breached(self, program: Any, count: Any) -> bool:
        """Say which mandates are broken, for how many; whether one of them must hold."""
        texts = {f"要求 {g.span}": g for s in program.segments for g in s.mandates}
        found = False
        for name, number in count.breaches.items():
            text, _, year = name.rpartition("@")
            mandate = texts[text]
            basis = "、".join(map(str, mandate.basis))
            found = found or not mandate.in_principle
            code = "W805" if mandate.in_principle else "E805"
            note(
                f"{code} {year}年度：{number:,} 条记录不符合要求“{mandate.condition.span.text}”（{basis}）。",
                f"{code} {year}: {number:,} records do not meet the mandate '{mandate.condition.span.text}' ({basis}).",
            )
        return found

    def _summarise(self, run: Any, layout: Any, held: Mapping[str, Any]) -> None:
        """Say what the results look like as a whole, by kind of record; groups are of insured persons."""
        from tiaoli.batch.summary import summarise, table
        from tiaoli.results import whole_file

        by = run.wish.by
        if INSURED in held:
            self._known_columns(held[INSURED])
        lines: list[Any] = []
        for kind, results in held.items():
            names = [n for n in run.names if run.program.rules[n][0].entity == kind]
            own = by if kind == INSURED else ()
            found = summarise(run.program, results, names, self.years, layout, run.wish.units, own)
            lines += [line if own else replace(line, group=("",) * len(by)) for line in found]
        summed = table(lines, by)
        if self.options.summary is None:
            _print_frame(summed, rows=None)
            return
        with whole_file(self.options.summary) as partial:
            if self.options.summary.suffix.lower() == ".parquet":
                summed.write_parquet(partial)
            else:
                summed.write_csv(partial, include_bom=True)

    def _known_columns(self, results: Any) -> None:
        from tiaoli.nearness import nearest

        there = set(results.collect_schema().names())
        names = there | {n.rpartition("@")[0] for n in there if "@" in n}
        for name in self.options.by:
            if name not in names:
                wrong(
                    Diagnostic("E718", {"where": "--by", "name": name, "nearest": nearest(name, sorted(names)) or "—"})
                )


def opening_tables(path: Path, kinds: Iterable[str]) -> dict[str, Any]:
    """Return the opening states by kind: of JSON Lines as `closing` writes them, or of tables, of which each kind has its own."""
    from tiaoli.results import output_of

    if path.suffix.lower() not in (".jsonl", ".json"):
        files = {kind: output_of(path, kind) for kind in kinds}
        return {kind: file for kind, file in files.items() if kind == INSURED or file.exists()}
    import polars as pl

    from tiaoli.apps.running import read_states

    rows: dict[str, list[dict[str, Any]]] = {}
    for (entity, ident), (year, values) in (read_states(path) or {}).items():
        held = {f"{name}@{year}": value for name, value in values.items()}
        rows.setdefault(entity or INSURED, []).append({"编号": ident, **held})
    return {kind: pl.DataFrame(own, infer_schema_length=None) for kind, own in rows.items()}


@contextmanager
def _writable(output: Path | None) -> Iterator[None]:
    """Say what could not be written; that a disk is full, DuckDB and Spark tell in their own ways."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        wrong(Diagnostic("E824", {"path": str(output or "—"), "reason": error.strerror or str(error)}))
    except Exception as error:
        full = "No space left on device"
        if full not in str(error):
            raise
        wrong(Diagnostic("E824", {"path": str(output or "—"), "reason": full}))


@contextmanager
def _readable(paths: Iterable[Path | None]) -> Iterator[None]:
    """Say where a file is damaged, when Polars could not read on."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        from tiaoli.batch.sources import damage, harm

        given = [path for path in paths if path is not None]
        looks = {".csv": damage, ".parquet": harm, ".arrow": harm, ".feather": harm, ".ipc": harm}
        for file in (file for path in given for file in (sorted(path.iterdir()) if path.is_dir() else [path])):
            look = looks.get(file.suffix.lower())
            said = None if look is None else look(file)
            if said is not None:
                wrong(said)
        raise


def _balance(
    count: Any, kind: str, output: Path | None, rejects: Path | None, others: Mapping[str, int] | None = None
) -> None:
    """Say that nobody was lost: records read are records computed, of each kind so many (``others``), and records rejected."""
    what = ("人", "people") if kind == INSURED else (f"个{kind}", kind)
    each = "" if not others else "（" + "、".join(f"{k} {n:,}" for k, n in others.items()) + "）"
    out = "" if output is None else f" → {output}"
    left = f" → {rejects}" if rejects is not None and count.rejected else ""
    faults = (
        (f"（{count.faults:,} 处错误）", f" ({count.faults:,} fault{'s' if count.faults > 1 else ''})")
        if count.faults
        else ("", "")
    )
    rows = count.rows not in (0, count.records)
    note(
        f"读入 {count.records:,} {what[0]} = 算出 {count.computed:,} {what[0]}{each}{out} + 退回 {count.rejected:,} {what[0]}{faults[0]}{left}"
        + (f"；共 {count.rows:,} 行。" if rows else "。")
        + ("加 --rejects 可得每处错误。" if count.rejected and rejects is None else ""),
        f"{count.records:,} {what[1]} read = {count.computed:,} computed{each}{out} + {count.rejected:,} rejected{faults[1]}{left}"
        + (f"; {count.rows:,} rows." if rows else ".")
        + (" --rejects lists the faults." if count.rejected and rejects is None else ""),
    )


def _print_frame(frame: Any, rows: int | None = 20) -> None:
    """A table on the terminal; as comma-separated text elsewhere."""
    import polars as pl

    if not sys.stdout.isatty():
        print(frame.write_csv(), end="")
        return
    with pl.Config(
        tbl_rows=-1 if rows is None else rows,
        tbl_cols=-1,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
    ):
        print(frame)


@contextmanager
def _share(text: str) -> Iterator[Callable[[int], None] | None]:
    """Yield what hears how much is done, in percent; on a terminal it moves a bar, or a wheel while nothing is heard."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (SpinnerColumn(), TextColumn(text), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda percent: bar.update(task, completed=percent, total=100)


@contextmanager
def _bar(source: Path) -> Iterator[Callable[[int], None] | None]:
    """Yield what hears of people as they are read; on a terminal it moves a bar with people/s and the time left."""
    if not sys.stderr.isatty():
        yield None
        return
    from threading import Lock
    from time import monotonic

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from tiaoli.batch.sources import rows_of

    total = rows_of(source)
    started, read, lock = monotonic(), 0, Lock()
    columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)

        def told(rows: int) -> None:
            nonlocal read
            with lock:
                read += rows
                speed = read / max(monotonic() - started, 1)
                text = words(f"{read:,} 人，每秒 {speed:,.0f} 人", f"{read:,} people, {speed:,.0f}/s")
                bar.update(task, completed=read, description=text)

        yield told


__all__ = ["ENGINES", "Options", "TableRun", "engine_for", "opening_tables", "typer"]
