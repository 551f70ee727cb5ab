"""How fast the engine is, in one run: `python tests/benchmarks/run.py`. What is measured, and how to read it, is in the README beside it.

Times are medians of repeated measurements; ratios compare numbers of this run only. Generated records live in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import tiaoli
from jiangxi_by_hand import START, by_hand, history
from support import json_text
from tiaoli.explain_text import as_text

LAST = 2034
YEARS = range(START, LAST + 1)
CLI = (sys.executable, "-m", "tiaoli")
PLAIN = {
    k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "TIAOLI_DEBUG")
}


@dataclass(frozen=True)
class Figure:
    """One line of the report: what was measured, how much, in which unit, and what it compares to."""

    name: str
    amount: float
    unit: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name:<58}{self.amount:>12,.{0 if self.amount >= 1000 else 1 if self.amount >= 10 else 3}f} {self.unit:<10}{self.note}"


# ── measuring ────────────────────────────────────────────────────────────────


def timed(work: Callable[[], object], repeat: int) -> float:
    """Return the median of the seconds that ``work`` takes."""

    def once() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return median(once() for _ in range(repeat))


def side_by_side(first: Callable[[], object], second: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Return the medians of two kinds of work done in turn, so that what else the machine does meets both."""
    pairs = [(timed(first, 1), timed(second, 1)) for _ in range(repeat)]
    return median(a for a, _ in pairs), median(b for _, b in pairs)


def process(*line: str) -> tuple[float, float]:
    """Run a process; return its seconds and the most memory it held, in megabytes."""
    start = time.perf_counter()
    running = subprocess.Popen(line, env=PLAIN, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(running.pid, 0)
    spent = time.perf_counter() - start
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"{' '.join(line)}: exit code {running.returncode}")
    return spent, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)


# ── what is measured ─────────────────────────────────────────────────────────


def starting(repeat: int) -> Iterator[Figure]:
    code = "import time; t = time.perf_counter(); import tiaoli; print(time.perf_counter() - t)"
    process(*CLI, "check")  # writes the byte code, as an installation does
    imports = [float(subprocess.check_output([sys.executable, "-c", code], env=PLAIN)) for _ in range(repeat)]
    yield Figure("import tiaoli", median(imports), "s")
    python = median(process(sys.executable, "-c", "pass")[0] for _ in range(repeat))
    check = median(process(*CLI, "check")[0] for _ in range(repeat))
    yield Figure("tiaoli check, all built-in rulesets", check, "s", f"an empty Python process: {python:.3f} s")
    yield Figure("load and prepare CN-JX", timed(lambda: tiaoli.load("CN-JX").compiled(YEARS), repeat), "s")


def one_person(repeat: int, people: int) -> Iterator[Figure]:
    rules = tiaoli.load("CN-JX")
    records = keen_people(people)
    compiled = rules.compiled(YEARS)
    reader = rules.reader(compiled)
    persons = [reader.convert(r) for r in records]
    single = 1e6 / people

    def prepared() -> None:
        for person in persons:
            compiled.run(person.facts, person.years)

    def validated() -> None:
        for record in records:
            rules.evaluate(record, YEARS)

    def plainly() -> None:
        for record in records:
            by_hand(record, LAST)

    prepared(), validated(), plainly()
    engine, plain = side_by_side(prepared, plainly, repeat)
    whole, again = side_by_side(validated, plainly, repeat)
    yield Figure(
        "one person, CN-JX, ten years, prepared", engine * single, "µs", f"{engine / plain:.2f} × plain Python"
    )
    yield Figure(
        "the same from a Python record, validated", whole * single, "µs", f"{whole / again:.2f} × plain Python"
    )
    yield Figure(
        "the same in plain Python, written by hand",
        plain * single,
        "µs",
        "the yardstick: Jiangxi's rules alone, nothing checked",
    )
    result = rules.evaluate(records[0], YEARS)
    yield Figure("explain one result, with its years, as text", explaining(result, repeat) * 1e3, "ms")


def keen_people(count: int) -> list[dict[str, Any]]:
    """Made-up people enrolled in at least eight of the ten years: there is most to compute for them."""
    dice = random.Random(1)
    found: list[dict[str, Any]] = []
    while len(found) < count:
        record = history(dice, f"P{len(found)}")
        if sum(year.get("参保", False) for y, year in record["年度"].items() if y >= START) >= 8:
            found.append(record)
    return found


def explaining(result: tiaoli.Result, repeat: int) -> float:
    def explain() -> None:
        fresh = tiaoli.Result(result.place, result.compiled, result.person, result.rows)
        as_text(fresh.explain("大病保险最高支付限额", LAST))

    return timed(explain, repeat * 5)


def many_people(repeat: int, sizes: Sequence[int], folder: Path) -> Iterator[Figure]:
    """JSON Lines through the command line: reading, validation, ten years, writing."""
    runs = {size: _run(write(folder / f"{size}.jsonl", size), repeat) for size in sizes}
    empty, base = _run(write(folder / "1.jsonl", 1), repeat)
    yield Figure("tiaoli run, 1 person (start, load, prepare)", empty, "s", f"{base:.0f} MB")
    for size, (spent, memory) in runs.items():
        rate = f"{size / spent:,.0f} people/s; {size / max(spent - empty, 1e-9):,.0f} without the start"
        yield Figure(
            f"tiaoli run, {size:,} people × {len(YEARS)} years, JSON Lines", spent, "s", f"{rate}; {memory:.0f} MB"
        )
    least, most = min(sizes), max(sizes)
    if most > least:
        growth = (runs[most][0] - empty) / (runs[least][0] - empty) / (most / least)
        yield Figure(f"time a person, {most:,} to {least:,} people", growth, "×", "1 is linear")
        yield Figure(f"memory, {most:,} to {least:,} people", runs[most][1] / runs[least][1], "×", "1 is flat")


def write(path: Path, people: int) -> Path:
    dice = random.Random(2)
    with path.open("w", encoding="utf-8") as stream:
        for i in range(people):
            stream.write(json_text(history(dice, f"P{i:07d}", first=START)) + "\n")
    return path


def _run(records: Path, repeat: int) -> tuple[float, float]:
    output = records.with_name("results.jsonl")
    line = (*CLI, "run", "CN-JX", str(records), "--year", f"{START}..{LAST}", "--output", str(output))
    measured = [process(*line) for _ in range(max(1, repeat // 2))]
    return median(t for t, _ in measured), max(m for _, m in measured)


POOLS = """
文件 《统筹》  地区 XX  施行 2025年度
对象 统筹地区
每年 事实 参保: 是否 默认 否
每年 事实 低收入: 是否 默认 否
每年 事实 费用: 金额 默认 0元 范围 0元..100万元
每年 事实 所在统筹地区: 统筹地区 可空
每年 事实 统筹地区 的 人均收入: 金额 范围 0元..100万元
结果 规则 统筹地区 的 参保率: 比例 可空 舍入 四舍五入 到 0.01% = 占比(参保人 当 低收入, 参保)
结果 规则 报销: 金额
  当 没有 所在统筹地区 或 费用 < 所在统筹地区 的 人均收入 × 50% 得 0元
  否则 (费用 - 所在统筹地区 的 人均收入 × 50%) × 60%
结果 规则 补贴: 金额
  当 有 所在统筹地区 的 参保率 且 所在统筹地区 的 参保率 ≥ 95% 得 100元
  否则 0元
"""


def together(people: int, folder: Path) -> Iterator[Figure]:
    """Persons of twenty regions over three years: a value through a link, a share over the persons, and a rule of persons that uses it."""
    rules = folder / "pools.tiaoli"
    rules.write_text(POOLS, encoding="utf-8")
    records = folder / "together.jsonl"
    dice = random.Random(3)
    with records.open("w", encoding="utf-8") as stream:
        for i in range(20):
            own = {str(y): {"人均收入": dice.randrange(20_000, 50_000)} for y in range(2025, 2028)}
            stream.write(json_text({"对象": "统筹地区", "编号": f"R{i}", "年度": own}) + "\n")
        for i in range(people):
            stream.write(json_text({"编号": f"P{i}", "年度": {str(y): _year(dice) for y in range(2025, 2028)}}) + "\n")
    output = str(folder / "results.jsonl")
    line = (*CLI, "run", "XX", str(records), "--year", "2025..2027", "--rulesets", str(rules), "--output", output)
    spent, memory = process(*line)
    note = f"{people / spent:,.0f} people/s; {memory:.0f} MB"
    yield Figure(f"tiaoli run, {people:,} people in 20 regions × 3 years", spent, "s", note)


def _year(dice: random.Random) -> dict[str, Any]:
    region = f"R{dice.randrange(20)}"
    return {
        "参保": dice.random() < 0.95,
        "低收入": dice.random() < 0.1,
        "费用": dice.randrange(200_000),
        "所在统筹地区": region,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the engine; medians and ratios of one run.")
    parser.add_argument(
        "--people", type=int, nargs="+", default=[10_000, 25_000, 50_000, 100_000], help="sizes of the files of records"
    )
    parser.add_argument("--sample", type=int, default=300, help="people evaluated in one process")
    parser.add_argument("--repeat", type=int, default=7, help="how often each is measured")
    wishes = parser.parse_args(arguments)
    print(f"tiaoli {tiaoli.__version__}, Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        groups: tuple[Any, ...] = (
            starting(wishes.repeat),
            one_person(wishes.repeat, wishes.sample),
            many_people(wishes.repeat, wishes.people, Path(folder)),
            together(max(wishes.people), Path(folder)),
        )
        for group in groups:
            for figure in group:
                print(figure, flush=True)


if __name__ == "__main__":
    main()
