"""How fast tables are computed, in one run on one machine: `python tests/benchmarks/batch.py`. What is measured is said in the README beside it.

Each figure is a process of its own, from Parquet to Parquet, so that its memory is its own; contenders take turns, and medians are compared within
the run. Results are compared value for value before a time counts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "by_hand"), str(HERE / "peers")]

YEARS = range(2025, 2035)
PORTION = 100_000
ID = "编号"


# ── the work of one process ──────────────────────────────────────────────────


def _rules() -> Any:
    import tiaoli

    return tiaoli.load("CN-JX")


def _table(source: Path, target: Path) -> None:
    """Ours: the table run on Polars, wide or long, with its checks and mandates."""
    from tiaoli.batch.layout import Units
    from tiaoli.batch.parts import Files, run_files
    from tiaoli.batch.running import Run, Wish

    run = Run(_rules(), source, Wish(YEARS, units=Units.FEN), folder=target.parent)
    count, _ = run_files(run, Files(target))
    assert count.computed == count.records, count


def _ready(source: Path, target: Path) -> None:
    """What passes before the first row: rules read, consolidated and compiled for ten years (or taken as an earlier process compiled them), columns understood."""
    from tiaoli.batch.layout import Units
    from tiaoli.batch.running import Run, Wish

    Run(_rules(), source, Wish(YEARS, units=Units.FEN), folder=target.parent).ready(False)


def _ready_at_first(source: Path, target: Path) -> None:
    """The same where no earlier process kept anything: every text is parsed, the parser made first, and the plan compiled."""
    os.environ["TIAOLI_CACHE"] = ""
    _ready(source, target)


def _duckdb(source: Path, target: Path) -> None:
    from tiaoli.batch import duck
    from tiaoli.batch.layout import Units
    from tiaoli.batch.wish import Wish

    duck.run(_rules(), source, target, Wish(YEARS, units=Units.FEN))


def _spark(source: Path, target: Path) -> None:
    from tiaoli.batch import spark
    from tiaoli.batch.layout import Units
    from tiaoli.batch.wish import Wish

    spark.run(_rules(), source, target, Wish(YEARS, units=Units.FEN))


def _interpreter(source: Path, target: Path) -> None:
    """The interpreter on records of Python values, made from the table beforehand; nothing is written."""
    import polars as pl
    from people import record

    rows = [record(row) for row in pl.read_parquet(source).iter_rows(named=True)]
    rules = _rules()
    rules.compiled(YEARS)
    begin = time.perf_counter()
    for result in rules.evaluate_many(rows, YEARS):
        assert not hasattr(result, "diagnostics")
    target.write_text(str(time.perf_counter() - begin))


def _hand_polars(source: Path, target: Path) -> None:
    import polars_query

    polars_query.run(source, target)


def _hand_numpy(source: Path, target: Path) -> None:
    import numpy_kernel

    numpy_kernel.run(source, target)


def _hand_duckdb(source: Path, target: Path) -> None:
    import duckdb_query

    duckdb_query.run(source, target)


def _read(source: Path, _target: Path) -> None:
    """The bare reading of every column."""
    import polars as pl

    pl.scan_parquet(source).select(pl.all().null_count()).collect(engine="streaming")


def _write(source: Path, target: Path) -> None:
    """The bare writing of results (and the reading of them): ``source`` is a table of results."""
    import polars as pl

    frame = pl.scan_parquet(source)
    frame.sink_parquet(target, compression="zstd", compression_level=1, row_group_size=PORTION, statistics=False)


def _small(source: Path, target: Path) -> None:
    """Ours on the small rule by province."""
    from tiaoli.api import loads
    from tiaoli.batch.layout import Units
    from tiaoli.batch.parts import Files, run_files
    from tiaoli.batch.running import Run, Wish

    rules = loads((HERE / "peers" / "small.tiaoli").read_text(encoding="utf-8"))
    run = Run(rules, source, Wish(YEARS, units=Units.FEN), folder=target.parent)
    run_files(run, Files(target))


def _small_in_memory(source: Path, target: Path) -> None:
    """Ours on the small rule, from a frame in memory to a frame in memory, as the peers compute; the seconds of building and of computing go to
    ``target``. Building is reading the rules, compiling them and understanding the columns."""
    import polars as pl

    from tiaoli.api import loads
    from tiaoli.batch.layout import Units
    from tiaoli.batch.running import Run, Wish

    frame = pl.read_parquet(source)
    begin = time.perf_counter()
    rules = loads((HERE / "peers" / "small.tiaoli").read_text(encoding="utf-8"))
    run = Run(rules, frame, Wish(YEARS, units=Units.FEN), folder=target.parent)
    run.ready(False)
    built = time.perf_counter()
    _, found = run.part(run.parts[0], None, None, lambda _: None, target.parent)
    end = time.perf_counter()
    assert found is not None
    target.write_text(json.dumps({"seconds_building": built - begin, "seconds_computing": end - built}))


def _make(target: Path, people: Path) -> None:
    make(target, int(people.name))


def _make_small(target: Path, people: Path) -> None:
    make_small(target, int(people.name))


def _same(one: Path, other: Path) -> None:
    """Exit with an error where two tables differ; a long one is made wide first."""
    import polars as pl

    one = one / "*.parquet" if one.is_dir() else one  # Spark writes a folder
    if "年度" in pl.scan_parquet(one).collect_schema():
        one = widened(one, one.with_suffix(".wide.parquet"))
    if not same(one, other):
        raise SystemExit("NOT EQUAL")


WORK: dict[str, Callable[[Path, Path], None]] = {
    "ours: Polars, wide": _table, "ours: Polars, long": _table, "ours: Polars, long by years": _table, "ours: DuckDB": _duckdb, "ours: Spark, local": _spark,
    "ours: interpreter": _interpreter, "by hand: Polars": _hand_polars, "by hand: NumPy": _hand_numpy,
    "by hand: DuckDB SQL": _hand_duckdb, "reading alone": _read, "writing alone": _write, "ready": _ready,
    "ready at first": _ready_at_first, "small: ours": _small,
    "small: ours, in memory": _small_in_memory, "make": _make, "make small": _make_small, "same": _same,
}  # fmt: skip


def work(name: str, source: Path, target: Path) -> None:
    """Do one piece of work and print what it took."""
    if name.startswith(("ours", "ready", "small")):  # as the command does
        from tiaoli.apps.table_running import ENVIRONMENT

        for variable, value in ENVIRONMENT.items():
            os.environ.setdefault(variable, value)
        os.environ.setdefault("TIAOLI_CACHE", str(Path(tempfile.gettempdir()) / f"tiaoli-benchmark-{os.getuid()}"))
    begin = time.perf_counter()
    WORK[name](source, target)
    spent = time.perf_counter() - begin
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    print(json.dumps({"seconds": spent, "cpu": cpu, "megabytes": (own.ru_maxrss + others.ru_maxrss) / 1024}))


# ── data ─────────────────────────────────────────────────────────────────────


def make(folder: Path, people: int) -> dict[str, Path]:
    """Write the people as a wide and two long tables (rows in order of ids, and year after year), and some for the interpreter."""
    import polars as pl
    from layout import HISTORY, PERSON
    from people import make_people

    files = {name: folder / f"{name}.parquet" for name in FILES}
    parts = folder / "parts"
    parts.mkdir()
    for first in range(0, people, PORTION):
        part = make_people(min(PORTION, people - first), first + 1, first=first)
        part.write_parquet(parts / f"{first:012}.parquet", compression="zstd", compression_level=1)
    wide = pl.scan_parquet(parts / "*.parquet")
    kept = {"compression": "zstd", "compression_level": 1, "row_group_size": PORTION}
    wide.sink_parquet(files["wide"], **kept)
    wide.head(min(people, 20_000)).sink_parquet(files["few"], **kept)
    names = wide.collect_schema().names()
    yearly = list(dict.fromkeys(n.partition("@")[0] for n in names if "@" in n))
    own = [ID, *PERSON]
    years = [
        wide.select(
            *own,
            pl.lit(y, pl.Int32).alias("年度"),
            *(pl.col(f"{n}@{y}").alias(n) for n in yearly if f"{n}@{y}" in names),
        )
        for y in (*HISTORY, *YEARS)
    ]
    longs = []
    for first in range(0, people, PORTION):
        held = pl.scan_parquet(parts / f"{first:012}.parquet")
        some = [
            held.select(
                *own,
                pl.lit(y, pl.Int32).alias("年度"),
                *(pl.col(f"{n}@{y}").alias(n) for n in yearly if f"{n}@{y}" in names),
            )
            for y in (*HISTORY, *YEARS)
        ]
        longs.append(pl.concat(some, how="diagonal").sort(ID, "年度"))
    pl.concat(years, how="diagonal").sink_parquet(files["long by years"], **kept)
    pl.concat(longs).sink_parquet(files["long"], **kept)
    return files


def make_small(folder: Path, people: int) -> Path:
    """Write the people of the small rule."""
    import numpy as np
    import polars as pl

    dice = np.random.default_rng(7)
    columns: dict[str, Any] = {
        ID: np.arange(people), "省": dice.choice(["JX", "AH", "HB", "NM", "GS", "QH"], people),
        "封顶线": dice.choice([300_000_00, 400_000_00, 500_000_00], people).astype(np.int64),
    }  # fmt: skip
    columns |= {f"参保@{y}": dice.random(people) < 0.9 for y in range(2016, 2035)}
    path = folder / "small.parquet"
    pl.DataFrame(columns).with_columns(pl.col(ID).cast(pl.String)).write_parquet(path, row_group_size=PORTION)
    return path


# ── comparing ────────────────────────────────────────────────────────────────


def same(one: Path, other: Path) -> bool:
    """Whether two tables of results hold the same values, whatever the width of their integers; some columns at a time."""
    import polars as pl
    import polars.selectors as cs

    a, b = (pl.scan_parquet(path) for path in (one, other))
    names = a.collect_schema().names()
    if set(names) != set(b.collect_schema().names()):
        return False
    for start in range(1, len(names), 20):
        some = [ID, *names[start : start + 20]]
        frames = [
            f.select(some).with_columns(cs.integer().cast(pl.Int64)).sort(ID).collect(engine="streaming")
            for f in (a, b)
        ]
        if not frames[0].equals(frames[1]):
            return False
    return True


def widened(path: Path, target: Path) -> Path:
    """A long table of results as a wide one, for comparison."""
    import polars as pl

    frame = pl.scan_parquet(path)
    names = [n for n in frame.collect_schema().names() if n not in (ID, "年度")]
    whole = frame.filter(pl.col("年度") == YEARS[0]).select(ID, pl.col(names).name.suffix(f"@{YEARS[0]}")).collect()
    for year in YEARS[1:]:
        more = frame.filter(pl.col("年度") == year).select(ID, pl.col(names).name.suffix(f"@{year}")).collect()
        whole = whole.join(more, on=ID, how="left", maintain_order="left")
    whole.write_parquet(target)
    return target


# ── the run ──────────────────────────────────────────────────────────────────


def measured(name: str, source: Path, target: Path) -> dict[str, float]:
    """Run one piece of work in a process of its own."""
    line = [sys.executable, __file__, "--work", name, str(source), str(target)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def in_turn(names: Sequence[str], sources: dict[str, Path], folder: Path, repeat: int) -> dict[str, dict[str, float]]:
    """Run the contenders one after another, ``repeat`` times; return medians."""
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(repeat):
        for name in names:
            taken[name].append(measured(name, sources[name], folder / f"{names.index(name)}.parquet"))
    return {name: {key: median(one[key] for one in several) for key in several[0]} for name, several in taken.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000, help="0 leaves them out")
    parser.add_argument("--small", type=int, default=1_000_000, help="0 leaves it out")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--without", nargs="*", default=[], help="contenders to leave out")
    parser.add_argument("--openfisca", help="a Python that has openfisca-core, for the small rule")
    parser.add_argument("--policyengine", help="a Python that has policyengine-core, for the small rule")
    parser.add_argument("--folder", type=Path, help="where the data go; a temporary folder otherwise")
    parser.add_argument("--work", nargs=3)
    given = parser.parse_args()
    if given.work:
        work(given.work[0], Path(given.work[1]), Path(given.work[2]))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as held:
        run(given, Path(held))


FILES = ("wide", "long", "long by years", "few")
"""The tables that are made."""

ALONE = ("reading alone", "writing alone", "ready", "ready at first", "ours: interpreter")
"""What is measured by itself."""


def run(given: argparse.Namespace, folder: Path) -> None:
    """Measure everything that was asked for. Data are made and compared in other processes, so that theirs is not the memory measured."""
    if given.people:
        _large(given, folder)
    if given.small:
        _small_rule(given, folder)


def _large(given: argparse.Namespace, folder: Path) -> None:
    measured("make", folder, Path(str(given.people)))
    files = {name: folder / f"{name}.parquet" for name in FILES}
    names = [
        n
        for n in WORK
        if n.startswith(("ours", "by hand", "reading")) and n not in (*given.without, "ours: interpreter")
    ]
    sources = {name: files.get(name.removeprefix("ours: Polars, "), files["wide"]) for name in names}
    found = in_turn(names, sources, folder, given.repeat)
    reference = folder / f"{names.index('by hand: Polars')}.parquet"
    for name in names:
        if name not in (*ALONE, "by hand: Polars"):
            measured("same", folder / f"{names.index(name)}.parquet", reference)
    found["writing alone"] = _repeated("writing alone", reference, folder / "copy.parquet", given.repeat)
    hand = found["by hand: Polars"]["seconds"]
    print(
        f"CN-JX, {len(YEARS)} years, {given.people:,} people, Parquet to Parquet; medians of {given.repeat}; results equal"
    )
    for name, figures in found.items():
        _line(name, given.people, figures, hand, "")
    if "ours: interpreter" not in given.without:
        few = min(given.people, 20_000)
        spent = measured("ours: interpreter", files["few"], folder / "interpreter.txt")
        spent["seconds"] = float((folder / "interpreter.txt").read_text())
        _line("ours: interpreter (records in memory)", few, spent, 0, "")
    ready = _repeated("ready", files["wide"], folder / "ready", given.repeat)
    first = _repeated("ready at first", files["wide"], folder / "ready", given.repeat)
    print(f"{'before the first row':<40}{ready['seconds']:>10.2f} s (with the import of the engine)")
    print(f"{'  where nothing was kept from before':<40}{first['seconds']:>10.2f} s")
    rows = found["ours: Polars, wide"]["seconds"] - ready["seconds"]
    print(
        f"{'ours: Polars, wide, the rows alone':<40}{rows:>10.2f} s {hand / rows:>7.2f} x hand (which has nothing to load)"
    )


def _repeated(name: str, source: Path, target: Path, repeat: int) -> dict[str, float]:
    several = [measured(name, source, target) for _ in range(repeat)]
    return {key: median(one[key] for one in several) for key in several[0]}


def _line(name: str, people: int, figures: dict[str, float], hand: float, note: str) -> None:
    ratio = f"{hand / figures['seconds']:>7.2f} x hand" if hand else ""
    print(
        f"{name:<40}{figures['seconds']:>10.2f} s{people / figures['seconds']:>14,.0f} people/s{figures['cpu']:>9.1f} s cpu"
        f"{figures['megabytes']:>8,.0f} MB {ratio} {note}"
    )


def _small_rule(given: argparse.Namespace, folder: Path) -> None:
    measured("make small", folder, Path(str(given.small)))
    source = folder / "small.parquet"
    results = folder / "small-results.parquet"
    whole = _repeated("small: ours", source, results, given.repeat)
    print(f"the small rule by province, {given.small:,} people")
    _line("ours: Polars, Parquet to Parquet", given.small, whole, 0, "exact")
    ours = _reported(lambda report: measured("small: ours, in memory", source, report), folder, given.repeat)
    _small_line("ours: Polars, in memory", given.small, ours, None, "exact")
    here = HERE / "peers"
    peers = (
        ("PolicyEngine-Core", given.policyengine, [here / "policyengine_small.py"], []),
        ("OpenFisca-Core", given.openfisca, [here / "openfisca_small.py"], []),
        ("OpenFisca-Core, with switch", given.openfisca, [here / "openfisca_small.py"], ["switch"]),
    )
    for name, python, script, options in peers:
        if python is None:
            print(f"{name}: left out (an option names a Python that has it)")
            continue

        def once(report: Path, line: Sequence[Any] = (python, *script, source), rest: Sequence[str] = options) -> None:
            subprocess.run([*line, report, *rest], check=True, capture_output=True)

        found = _reported(once, folder, given.repeat)
        _small_line(name, given.small, found, ours, f"{found['dtype']}, {_off(results, found['sums'])}")


def _reported(once: Callable[[Path], object], folder: Path, repeat: int) -> dict[str, Any]:
    """The report of a contender, its seconds medians of several runs."""
    reports = []
    for _ in range(repeat):
        once(folder / "report.json")
        reports.append(json.loads((folder / "report.json").read_text()))
    return {**reports[0], **{k: median(r[k] for r in reports) for k in ("seconds_building", "seconds_computing")}}


def _small_line(name: str, people: int, found: dict[str, Any], ours: dict[str, Any] | None, note: str) -> None:
    built, computed = found["seconds_building"], found["seconds_computing"]
    print(f"{name:<40}{built:>8.2f} s built{computed:>8.2f} s computed{people / computed:>14,.0f} people/s  {note}")
    if ours is not None:
        whole = (built + computed) / (ours["seconds_building"] + ours["seconds_computing"])
        print(
            f"    ours is {computed / ours['seconds_computing']:.1f} x as fast in computing, {whole:.1f} x with building"
        )


def _off(ours: Path, sums: dict[str, int]) -> str:
    import polars as pl

    frame = pl.scan_parquet(ours).select(pl.col(f"累计提高额度@{y}").cast(pl.Int64).sum() for y in YEARS).collect()
    differing = sum(frame[f"累计提高额度@{y}"][0] != sums[str(y)] for y in YEARS)
    return "sums equal" if not differing else f"sums differ in {differing} of {len(YEARS)} years"


if __name__ == "__main__":
    main()
