"""What several tests share: calling the command line in a process of its own, writing records in every form."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import Workbook

ROOT = Path(__file__).parents[1]
PERSON = ("出生日期", "免等待人群", "原封顶线")
YEARLY = ("参保", "缴费日期", "基金支付", "使用奖励额度", "补缴年数")


@dataclass(frozen=True)
class Said:
    """What a command left behind: its exit code and what it wrote on both streams."""

    code: int
    out: str
    err: str


def start(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command line in a process of its own."""
    line = [sys.executable, "-m", "tiaoli", *map(str, arguments)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TIAOLI", "PYTHONUNBUFFERED"))}
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(line, env=environment, **streams)


def said(running: subprocess.Popen[bytes]) -> Said:
    """Wait for a process and return what it said."""
    with running:
        out, err = running.communicate(timeout=120)
    return Said(running.returncode, (out or b"").decode(), (err or b"").decode())


def python(code: str) -> str:
    """Run a piece of Python in a fresh process and return what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=120)
    return done.stdout.decode()


# ── rulesets and results ─────────────────────────────────────────────────────

WARNED = "每年 事实 费用: 金额 默认 0元\n结果 规则 报销: 金额 = 费用 × 60%\n"
WRONG = "结果 规则 报销: 金额 = 费佣 × 60%\n"


def own(folder: Path, text: str, name: str = "自拟") -> Path:
    """Write a ruleset of the place CN-ZZ, in force from 2025."""
    file = folder / f"{name}.tiaoli"
    file.write_text(f"文件 {name}  地区 CN-ZZ  施行 2025年度\n{text}", encoding="utf-8")
    return file


def lines(command: Callable[..., Said], records: Path, *options: object) -> list[dict[str, Any]]:
    """Run Jiangxi's rules on a file of records; return the objects of the results."""
    output = records.parent / "结果.jsonl"
    result = command("run", "CN-JX", records, "--output", output, *options)
    assert result.code == 0, result.err
    return read_results(output.read_text(encoding="utf-8"))


# ── records ──────────────────────────────────────────────────────────────────


def json_text(value: Any) -> str:
    """Return JSON in which a Decimal is a number, to the last digit."""
    match value:
        case Decimal():
            return f"{value:f}"
        case Mapping():
            return (
                "{"
                + ",".join(f"{json.dumps(str(k), ensure_ascii=False)}:{json_text(v)}" for k, v in value.items())
                + "}"
            )
        case list():
            return "[" + ",".join(map(json_text, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def write_records(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    """Write records of Jiangxi in the form that the suffix of ``path`` names."""
    match path.suffix:
        case ".jsonl":
            path.write_text("".join(json_text(r) + "\n" for r in records), encoding="utf-8")
        case ".json":
            path.write_text(json_text(list(records)), encoding="utf-8")
        case ".yaml":
            path.write_text("".join(f"- {_yaml(r)}\n" for r in records), encoding="utf-8")
        case ".csv":
            stream = io.StringIO()
            csv.writer(stream).writerows([_text(v) for v in row] for row in _long(records))
            path.write_text(stream.getvalue(), encoding="utf-8")
        case ".xlsx":
            book = Workbook()
            for row in _long(records):
                book.worksheets[0].append([_cell(v) for v in row])
            book.save(path)
    return path


def _yaml(value: Any) -> str:
    match value:
        case bool():
            return "是" if value else "否"
        case Decimal():
            return f"{value:f}"
        case Mapping():
            return "{" + ", ".join(f"{k}: {_yaml(v)}" for k, v in value.items()) + "}"
        case _:
            return str(value)


def _long(records: Iterable[Mapping[str, Any]]) -> Iterable[list[Any]]:
    """One row a person-year, each with the facts of the person; a person without years has one row without a year."""
    yield ["编号", *PERSON, "年度", *YEARLY]
    for record in records:
        own = [record["编号"], *(record.get(n) for n in PERSON)]
        years = record.get("年度") or {}
        for year, facts in years.items():
            yield [*own, year, *(facts.get(n) for n in YEARLY)]
        if not years:
            yield [*own, None, *(None for _ in YEARLY)]


def _text(value: Any) -> str:
    return "" if value is None else _yaml(value)


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value[4:5] == "-":
        return date.fromisoformat(value)
    return value


def read_results(text: str) -> list[dict[str, Any]]:
    """Return the objects of JSON Lines with exact numbers."""
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]
