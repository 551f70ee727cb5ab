"""`tiaoli run` over tables: every form in and out gives the interpreter's values; whoever is faulty is set aside and named."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from openpyxl import Workbook

import columns_support as tables
import tiaoli
from columns_support import TEXT
from support import Said, own
from tiaoli.batch.layout import ID, YEAR, Units
from tiaoli.batch.rejecting import REJECTS
from tiaoli.batch.running import Wish

Command = Callable[..., Said]
YEARS = "2025..2030"
SPAN = range(2025, 2031)

# ── Jiangxi: forms in and out ────────────────────────────────────────────────


@pytest.fixture(scope="module")
def expected(histories: list[dict[str, Any]], jiangxi: tiaoli.Rules) -> dict[str, dict[int, dict[str, Any]]]:
    """By id and year the values of the interpreter."""
    return {r["编号"]: {y: dict(row) for y, row in jiangxi.evaluate(r, SPAN).items()} for r in histories}


@pytest.fixture(scope="module")
def program(jiangxi: tiaoli.Rules) -> Any:
    return jiangxi.program(2031)


def forms(program: Any, histories: list[dict[str, Any]], folder: Path, form: str) -> tuple[Path, list[str]]:
    """The same people in a file of a form, and the options that go with it."""
    years = range(2016, 2031)
    name, _, suffix = form.partition(".")
    shape, _, kind = name.partition("-")
    held = {"fen": Units.FEN, "text": TEXT}.get(kind, Units.YUAN)
    if suffix in ("csv", "xlsx"):
        held = TEXT
    frame = tables.wide(program, histories, years, held) if shape == "wide" else tables.long(program, histories, held)
    if shape == "shuffled":
        frame = frame.sample(fraction=1, shuffle=True, seed=5)
    changes = {
        "categorical": [pl.col(pl.String).cast(pl.Categorical)],
        "narrow": [pl.col(pl.Decimal).cast(pl.Decimal(12, 2)), pl.col(pl.Int32).cast(pl.Int64)],
        "whole": [pl.col(pl.Decimal).cast(pl.Decimal(24, 7))],
    }.get(kind, [])
    frame = frame.with_columns(changes)
    path = folder / f"表.{suffix}"
    write(frame, path, kind)
    return path, ["--units", "分"] if held is Units.FEN else []


def write(frame: pl.DataFrame, path: Path, kind: str = "") -> None:
    match path.suffix:
        case ".parquet":
            frame.write_parquet(path)
        case ".arrow":
            frame.write_ipc(path)
        case ".xlsx":
            book = Workbook()
            for row in (frame.columns, *frame.iter_rows()):
                book.worksheets[0].append(row)
            book.save(path)
        case _:
            text = frame.write_csv(separator=";" if kind == "semicolon" else ",")
            path.write_text(text, encoding={"gb": "gb18030", "bom": "utf-8-sig"}.get(kind, "utf-8"))


def read(path: Path) -> pl.DataFrame:
    return {".parquet": pl.read_parquet, ".arrow": pl.read_ipc}.get(
        path.suffix, lambda p: pl.read_csv(p, infer_schema=False)
    )(path)


def values(frame: pl.DataFrame) -> dict[str, dict[int, dict[str, Any]]]:
    """A table of results, wide or long, by id and year."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for row in frame.to_dicts():
        ident = row.pop(ID)
        if YEAR in row:
            found.setdefault(ident, {})[row.pop(YEAR)] = row
            continue
        for column, value in row.items():
            name, year = tables.by_year(column)
            found.setdefault(ident, {}).setdefault(year, {})[name] = value
    return found


FORMS = (
    "wide.parquet", "long.parquet", "shuffled.parquet", "wide-fen.parquet", "long-fen.parquet", "wide-categorical.parquet",
    "wide-narrow.parquet", "wide-whole.parquet", "wide.arrow", "wide-text.parquet",
    "wide.csv", "long.csv", "wide-gb.csv", "long-bom.csv", "wide-semicolon.csv", "wide.xlsx", "long.xlsx",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_table_gives_the_values_of_the_interpreter(
    command: Command, tmp_path: Path, program: Any, histories: Any, expected: Any, form: str
) -> None:
    file, more = forms(program, histories, tmp_path, form)
    output = tmp_path / "结果.parquet"
    said = command("run", "CN-JX", file, "--year", YEARS, "-o", output, *more)
    assert said.code == 0, said.err
    assert "读入 40 人 = 算出 40 人" in said.err and "退回 0 人" in said.err
    assert ("宽表" if form.startswith("wide") else "长表") in said.err
    frame = pl.read_parquet(output)
    assert (YEAR in frame.columns) is not form.startswith("wide")
    assert values(yuan(frame, program) if more else frame) == expected


def yuan(frame: pl.DataFrame, program: Any) -> pl.DataFrame:
    """A table of whole 分 in yuan."""
    from tiaoli.batch.computing import held_as
    from tiaoli.values import Kind

    changed = []
    for name in frame.columns:
        rule = name.partition("@")[0]
        if rule in program.rules:
            kind, digits, _ = held_as(program, rule)
            if kind.kind in (Kind.MONEY, Kind.RATE):
                assert frame[name].dtype.is_integer(), name
                held = [None if v is None else Decimal(v).scaleb(-digits) for v in frame[name]]
                changed.append(pl.Series(name, held, dtype=pl.Decimal(38, digits)))
    return frame.with_columns(changed)


@pytest.mark.parametrize(
    ("shape", "suffix", "layout"),
    [
        ("wide", ".parquet", "long"),
        ("long", ".parquet", "wide"),
        ("wide", ".csv", "wide"),
        ("long", ".csv", "long"),
        ("wide", ".arrow", "long"),
    ],
)
def test_results_are_laid_out_as_asked(
    command: Command, tmp_path: Path, program: Any, histories: Any, expected: Any, shape: str, suffix: str, layout: str
) -> None:
    file, _ = forms(program, histories, tmp_path, f"{shape}.parquet")
    output = tmp_path / f"结果{suffix}"
    said = command("run", "CN-JX", file, "--year", YEARS, "-o", output, "--layout", layout)
    assert said.code == 0, said.err
    frame = read(output)
    assert (YEAR in frame.columns) is (layout == "long")
    if suffix != ".csv":
        assert values(frame) == expected
        return
    assert frame.height == (40 if layout == "wide" else 240)
    row = frame.row(0, named=True)
    name = next(n for n, v in expected[row[ID]][2025].items() if isinstance(v, Decimal))
    cell = row[name] if layout == "long" else row[f"{name}@2025"]
    assert Decimal(cell) == expected[row[ID]][2025][name]


def test_frames_are_computed_in_python(
    jiangxi: tiaoli.Rules, program: Any, histories: Any, expected: Any, tmp_path: Path
) -> None:
    frame = tables.wide(program, histories, range(2016, 2031), Units.YUAN)
    for source in (frame, frame.lazy(), frame.to_arrow()):
        assert values(tables.ran(jiangxi, source, Wish(SPAN), tmp_path).frame) == expected


def test_both_engines_write_the_same_csv(command: Command, tmp_path: Path, program: Any, histories: Any) -> None:
    file, _ = forms(program, histories, tmp_path, "long.csv")
    rows = []
    for engine in ("interpreter", "polars"):
        output = tmp_path / f"{engine}.csv"
        assert command("run", "CN-JX", file, "--year", YEARS, "-o", output, "--engine", engine).code == 0
        rows.append(read(output).to_dicts())
    assert len(rows[0]) == len(rows[1])


# ── persons in a second table ────────────────────────────────────────────────


@pytest.mark.parametrize("shape", ("wide", "long"))
@pytest.mark.parametrize("suffix", (".parquet", ".csv"))
def test_facts_of_persons_in_a_second_table(
    command: Command, tmp_path: Path, program: Any, histories: Any, expected: Any, shape: str, suffix: str
) -> None:
    held = TEXT if suffix == ".csv" else Units.YUAN
    whole = (
        tables.wide(program, histories, range(2016, 2031), held)
        if shape == "wide"
        else tables.long(program, histories, held)
    )
    beside = [f.name for f in program.facts.values() if not f.yearly and f.name in whole.columns]
    first, second = tmp_path / f"年{suffix}", tmp_path / f"人{suffix}"
    write(whole.drop(beside), first)
    persons = whole.select(ID, *beside).unique().sort(ID, descending=True)
    write(persons, second)
    output = tmp_path / "结果.parquet"
    said = command("run", "CN-JX", first, "--persons", second, "--year", YEARS, "-o", output)
    assert said.code == 0 and "不在" not in said.err, said.err
    assert values(pl.read_parquet(output)) == expected
    write(pl.concat([persons.head(3).with_columns((pl.lit("另") + pl.col(ID)).alias(ID)), persons]), second)
    said = command("run", "CN-JX", first, "--persons", second, "--year", YEARS, "-o", output)
    assert said.code == 0 and "中有 3 人不在" in said.err, said.err
    assert values(pl.read_parquet(output)) == expected


@pytest.mark.parametrize("shape", ("wide", "long"))
def test_a_folder_with_persons_in_a_second_table(
    command: Command, tmp_path: Path, program: Any, histories: Any, expected: Any, shape: str
) -> None:
    years, yuan = range(2016, 2031), Units.YUAN
    whole = tables.wide(program, histories, years, yuan) if shape == "wide" else tables.long(program, histories, yuan)
    beside = [f.name for f in program.facts.values() if not f.yearly and f.name in whole.columns]
    whole.select(ID, *beside).unique().write_parquet(tmp_path / "人.parquet")
    folder, output = tmp_path / "全省", tmp_path / "结果"
    folder.mkdir()
    own = whole.drop(beside)
    for number, ids in enumerate((expected.keys() - {min(expected)}, [min(expected)])):
        own.filter(pl.col(ID).is_in(list(ids))).write_parquet(folder / f"{number}.parquet")
    said = command("run", "CN-JX", folder, "--persons", tmp_path / "人.parquet", "--year", YEARS, "-o", output)
    assert said.code == 0 and f"读入 {len(expected)} 人" in said.err and "不在" not in said.err, said.err
    found = pl.concat([pl.read_parquet(file) for file in output.glob("*.parquet")])
    assert values(found) == expected
    assert found.height == len(expected) * (1 if shape == "wide" else len(expected[min(expected)]))


# ── a small ruleset ──────────────────────────────────────────────────────────

SMALL = """
事实 类别: 居民 | 职工 默认 居民
事实 入册日期: 日期
每年 事实 在册: 是否
每年 事实 花费: 金额 默认 0元 范围 0元..100万元
每年 事实 系数: 比例 默认 100% 范围 0%..200%
每年 事实 张数: 整数 可空 范围 0..99
结果 规则 报销: 金额 初值 0元 舍入 四舍五入 到 分
  例外 当 张数 > 90 得 1元
  当 非 在册 得 0元
  当 类别 = 职工 得 花费 × 80% × 系数
  否则 花费 × 60% × 系数
结果 规则 累积: 金额 初值 0元 = 上年 累积 + 报销
结果 规则 满年: 年数 = 周岁(入册日期, 年度末日(本年度))
"""
SMALL = SMALL.replace("  例外 当 张数 > 90 得 1元\n", "")
RULES = ("--rule", "报销", "--rule", "累积", "--rule", "满年")
HEADER = "编号,入册日期,类别,在册@2025,在册@2026,花费@2025,花费@2026,系数@2025,张数@2025"


@pytest.fixture
def small(tmp_path: Path, command: Command) -> Callable[..., Said]:
    """Run the small rules over a file in the folder of the test."""
    own(tmp_path, SMALL)

    def call(file: object, *more: object, year: str = "2025..2026") -> Said:
        return command("run", "CN-ZZ", file, "--year", year, "--rulesets", tmp_path, *RULES, *more)

    return call


def sheet(tmp_path: Path, *rows: str, header: str = HEADER, name: str = "表.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


GOOD = "P1,2000-02-29,居民,是,是,100.50,200,,"
"""60.30 and 120.00: of age 25 and 26."""


def rejected(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pl.read_parquet(path).to_dicts()
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_values_by_hand(small: Any, tmp_path: Path) -> None:
    file = sheet(tmp_path, GOOD, "P2,1990/1/5,职工,true,否,100,50,0.5,3")
    output = tmp_path / "o.parquet"
    assert small(file, "-o", output).code == 0
    assert pl.read_parquet(output).rows() == [
        ("P1", *map(Decimal, ("60.30", "120.00", "60.30", "180.30")), 25, 26),
        ("P2", *map(Decimal, ("40.00", "0.00", "40.00", "40.00")), 35, 36),
    ]


BAD = {
    "type": ("P2,2000-13-29,居民,是,是,1,1,,", "E737", "入册日期", None, "2000-13-29"),
    "truth": ("P2,2000-01-29,居民,是,也许,1,1,,", "E736", "在册", 2026, "也许"),
    "number": ("P2,2000-01-29,居民,是,是,1,约一百,,", None, "花费", 2026, "约一百"),
    "range": ("P2,2000-01-29,居民,是,是,-1,1,,", "E735", "花费", 2025, "-1"),
    "great": ("P2,2000-01-29,居民,是,是,1000000.01,1,,", "E735", "花费", 2025, "1000000.01"),
    "decimals": ("P2,2000-01-29,居民,是,是,1.001,1,,", "E733", "花费", 2025, "1.001"),
    "enum": ("P2,2000-01-29,村民,是,是,1,1,,", "E739", "类别", None, "村民"),
    "whole": ("P2,2000-01-29,居民,是,是,1,1,,1.5", None, "张数", 2025, "1.5"),
    "missing person fact": ("P2,,居民,是,是,1,1,,", "E726", "入册日期", None, ""),
    "missing yearly fact": ("P2,2000-01-29,居民,是,,1,1,,", "E726", "在册", 2026, ""),
    "huge": ("P2,2000-01-29,居民,是,是," + "9" * 40 + ",1,,", None, "花费", 2025, "9" * 40),
}


@pytest.mark.parametrize(("fault", "suffix"), [*((f, ".csv") for f in BAD), ("range", ".parquet")])
def test_a_faulty_person_is_set_aside_and_everyone_else_computed(
    small: Any, tmp_path: Path, fault: str, suffix: str
) -> None:
    row, code, fact, year, value = BAD[fault]
    file, output, rejects = (
        sheet(tmp_path, GOOD, row, GOOD.replace("P1", "P3")),
        tmp_path / "o.csv",
        tmp_path / f"r{suffix}",
    )
    said = small(file, "-o", output, "--rejects", rejects)
    assert said.code == 1
    assert "读入 3 人 = 算出 2 人" in said.err and "退回 1 人" in said.err
    assert read(output)[ID].to_list() == ["P1", "P3"]
    (one,) = rejected(rejects)
    assert tuple(one) == REJECTS
    assert (one["编号"], one["事实"], str(one["年度"] or ""), one["值"] or "") == ("P2", fact, str(year or ""), value)
    assert code is None or one["代码"] == code
    assert "P2" in one["原因"]
    assert one["代码"] in said.err


@pytest.mark.parametrize(
    ("frame", "code", "fact"),
    [
        ({"花费": pl.Series([Decimal("-0.01")], dtype=pl.Decimal(18, 2))}, "E735", "花费"),
        ({"花费": pl.Series([Decimal("0.001")], dtype=pl.Decimal(18, 3))}, "E733", "花费"),
        ({"花费": pl.Series([-1])}, "E735", "花费"),
        ({"花费": pl.Series([2**62])}, "E735", "花费"),
        ({"花费": pl.Series([2**64 - 1], dtype=pl.UInt64)}, "E735", "花费"),
        ({"张数": pl.Series([100], dtype=pl.Int8)}, "E735", "张数"),
        ({"类别": pl.Series(["无业"], dtype=pl.Enum(["无业", "居民"]))}, "E739", "类别"),
        ({"入册日期": pl.Series([date(1800, 1, 1)])}, "E735", "入册日期"),
        ({"入册日期": pl.Series([None], dtype=pl.Date)}, "E726", "入册日期"),
        ({"在册": pl.Series([None], dtype=pl.Boolean)}, "E726", "在册"),
        ({"在册": pl.Series([None], dtype=pl.Null)}, "E726", "在册"),
    ],
)
def test_faulty_cells_of_typed_columns(
    small: Any, tmp_path: Path, frame: Mapping[str, pl.Series], code: str, fact: str
) -> None:
    for shape in ("wide", "long"):
        for statistics in (True, False):
            _one_faulty_cell(small, tmp_path, frame, code, fact, shape, statistics)


def _one_faulty_cell(
    small: Any, tmp_path: Path, frame: Mapping[str, pl.Series], code: str, fact: str, shape: str, statistics: bool
) -> None:
    whole: dict[str, Any] = {ID: ["P1"], "入册日期": [date(2000, 2, 29)], "在册": [True], "花费": [1]}
    yearly = ("在册", "花费", "张数")
    columns = {f"{n}@2025" if shape == "wide" and n in yearly else n: v for n, v in (whole | dict(frame)).items()}
    if shape == "long":
        columns[YEAR] = [2025]
    file, rejects = tmp_path / "表.parquet", tmp_path / "r.csv"
    pl.DataFrame(columns).write_parquet(file, statistics=statistics)
    said = small(file, "-o", tmp_path / "o.parquet", "--rejects", rejects, year="2025")
    assert said.code == 1, said.err
    assert [(r["代码"], r["事实"]) for r in rejected(rejects)] == [(code, fact)]
    assert pl.read_parquet(tmp_path / "o.parquet").height == 0


@pytest.mark.parametrize("statistics", (True, False))
def test_the_only_bad_cells_of_a_file_in_its_last_rows(small: Any, tmp_path: Path, statistics: bool) -> None:
    """What the statistics of a file say of its first rows is not taken for all of them."""
    rows = 12
    frame = pl.DataFrame(
        {
            ID: [f"P{i}" for i in range(rows)],
            "入册日期": [*[date(2000, 1, 1)] * (rows - 1), None],
            "在册@2025": [*[True] * (rows - 2), None, True],
            "花费@2025": [*range(rows - 3), 2_000_000, 1, 1],
            "系数@2025": pl.Series([*[Decimal(1)] * (rows - 4), Decimal(3), *[Decimal(1)] * 3], dtype=pl.Decimal(9, 2)),
        }
    )
    file, rejects = tmp_path / "表.parquet", tmp_path / "r.csv"
    frame.write_parquet(file, statistics=statistics, row_group_size=4)
    said = small(file, "-o", tmp_path / "o.parquet", "--rejects", rejects, year="2025")
    assert said.code == 1, said.err
    wanted = [("P8", "E735", "系数"), ("P9", "E735", "花费"), ("P10", "E726", "在册"), ("P11", "E726", "入册日期")]
    assert [(r["编号"], r["代码"], r["事实"]) for r in rejected(rejects)] == wanted
    assert pl.read_parquet(tmp_path / "o.parquet").height == rows - 4


@pytest.mark.parametrize("suffix", (".csv", ".parquet"))
def test_blanks_around_the_members_of_an_enumeration(small: Any, tmp_path: Path, suffix: str) -> None:
    """They are taken off, whatever they are; a cell of blanks alone is empty."""
    texts = ["职工", " 职工", "职工  ", "\t职工", "职工\u3000", "\u3000职工 ", "居民", "", "  ", "\u3000", None]
    frame = pl.DataFrame({ID: [f"P{i:02}" for i in range(len(texts))], "类别": texts})
    frame = frame.with_columns(
        pl.lit(date(2000, 1, 1)).alias("入册日期"), pl.lit("是").alias("在册@2025"), pl.lit("100").alias("花费@2025")
    )
    file = tmp_path / f"表{suffix}"
    write(frame, file)
    said = small(file, "-o", tmp_path / "o.parquet", "--engine", "polars", year="2025")
    assert said.code == 0, said.err
    found = pl.read_parquet(tmp_path / "o.parquet").sort(ID)["报销@2025"].to_list()
    assert found == [Decimal(80)] * 6 + [Decimal(60)] * 5


LONG = "编号,年度,入册日期,类别,在册,花费"


@pytest.mark.parametrize(
    ("rows", "code", "fact"),
    [
        (("P2,2025,2000-01-01,居民,是,1", "P2,2025,2000-01-01,居民,是,1", "P2,2026,2000-01-01,居民,是,1"), None, None),
        (("P2,2025,2000-01-01,居民,是,1", "P2,2026,2001-01-01,居民,是,1"), None, "入册日期"),
        (("P2,2025,2000-01-01,居民,是,1", "P2,2026,2000-01-01,职工,是,1"), None, "类别"),
        (("P2,2025,2000-01-01,居民,是,1", "P2,明年,2000-01-01,居民,是,1"), None, None),
        (("P2,2025,2000-01-01,居民,是,1",), "E726", "在册"),
        (("P2,2025,,居民,是,1", "P2,2026,,居民,是,1"), "E726", "入册日期"),
    ],
)
@pytest.mark.parametrize("apart", (False, True))
def test_faulty_rows_of_long_tables(
    small: Any, tmp_path: Path, rows: Sequence[str], code: str | None, fact: str | None, apart: bool
) -> None:
    good = ["P1,2025,2000-02-29,居民,是,100.5", "P1,2026,2000-02-29,居民,是,200"]
    after = [line.replace("P1", "P3") for line in good]
    listed = [*good, *rows, *after] if not apart else [after[1], *rows[1:], good[1], after[0], *rows[:1], good[0]]
    file, rejects = sheet(tmp_path, *listed, header=LONG), tmp_path / "r.csv"
    said = small(file, "-o", tmp_path / "o.parquet", "--rejects", rejects, "--layout", "wide", "--engine", "polars")
    assert said.code == 1, said.err
    assert "读入 3 人 = 算出 2 人" in said.err, said.err
    (one, *_) = rejected(rejects)
    assert one["编号"] == "P2"
    assert code is None or one["代码"] == code
    assert fact is None or one["事实"] == fact
    assert sorted(pl.read_parquet(tmp_path / "o.parquet")[ID]) == ["P1", "P3"]


def test_who_stands_twice_in_a_wide_table_is_set_aside(small: Any, tmp_path: Path) -> None:
    file, rejects = sheet(tmp_path, GOOD, GOOD.replace("P1", "P2"), GOOD), tmp_path / "r.csv"
    said = small(file, "-o", tmp_path / "o.csv", "--rejects", rejects)
    assert said.code == 1
    assert {r["代码"] for r in rejected(rejects)} == {"E857"} and {r["编号"] for r in rejected(rejects)} == {"P1"}
    assert read(tmp_path / "o.csv")[ID].to_list() == ["P2"]


# ── columns ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("花费@2026", "花废@2026"), ("E718", "花费@2026")),
        (("类别", "类型"), ("类型",)),
        (("入册日期", "备注"), ("备注", "入册日期")),
        (("花费@2026", "花费"), ("E853",)),
        (("类别", "类别@2025"), ("E854",)),
        (("编号", "姓名"), ("编号",)),
        (("花费@2025", "花费@1999"), ("1999",)),
    ],
)
def test_wrong_columns_are_said_before_anything_runs(
    small: Any, tmp_path: Path, change: tuple[str, str], words: tuple[str, ...]
) -> None:
    file = sheet(tmp_path, GOOD, header=HEADER.replace(*change, 1))
    said = small(file, "-o", tmp_path / "o.csv", "--rejects", tmp_path / "r.csv")
    assert said.code == 2, said.err
    assert all(word in said.err for word in words), said.err
    assert not (tmp_path / "o.csv").exists() and not (tmp_path / "r.csv").exists()


def test_binary_floats_are_refused(small: Any, tmp_path: Path) -> None:
    file = tmp_path / "表.parquet"
    pl.DataFrame({ID: ["P1"], "入册日期": [date(2000, 1, 1)], "在册@2025": [True], "花费@2025": [0.1]}).write_parquet(
        file
    )
    said = small(file, "-o", tmp_path / "o.parquet", year="2025")
    assert said.code == 2 and "E852" in said.err and "花费@2025" in said.err
    assert list(tmp_path.glob("o*")) == []


def test_a_column_of_the_wrong_type_is_refused(small: Any, tmp_path: Path) -> None:
    file = tmp_path / "表.parquet"
    pl.DataFrame({ID: ["P1"], "入册日期": [True], "在册@2025": [True]}).write_parquet(file)
    said = small(file, "-o", tmp_path / "o.parquet", year="2025")
    assert said.code == 2 and "E851" in said.err and "入册日期" in said.err


def test_the_interpreter_has_no_options_of_tables(small: Any, tmp_path: Path) -> None:
    file = sheet(tmp_path, GOOD)
    said = small(file, "-o", tmp_path / "o.csv", "--engine", "interpreter", "--reasons", "--units", "分")
    assert said.code == 2 and "E867" in said.err and "--reasons" in said.err and "--units" in said.err


@pytest.mark.parametrize(
    "options",
    [
        ("--engine", "pandas"), ("--layout", "tall"), ("--units", "角"), ("--rejects", "r.txt"), ("--summary", "s.xlsx"),
        ("--resume",), ("-o", "没有/o.parquet"), ("-o", "o.txt", "--engine", "polars"), ("--persons", "没有.csv"), ("--by", "花废"),
    ],
)  # fmt: skip
def test_wrong_options_are_usage(small: Any, tmp_path: Path, monkeypatch: Any, options: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    more = options if "-o" in options else ("-o", "o.parquet", *options)
    said = small(sheet(tmp_path, GOOD), *more)
    assert said.code == 2, said.err
    assert not list(tmp_path.glob("o.*"))


# ── how many ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("header", (HEADER, LONG))
@pytest.mark.parametrize("suffix", (".csv", ".parquet"))
def test_a_table_without_people(small: Any, tmp_path: Path, header: str, suffix: str) -> None:
    file = sheet(tmp_path, header=header)
    if suffix == ".parquet":
        pl.read_csv(file, infer_schema=False).write_parquet(tmp_path / "表.parquet")
        file = tmp_path / "表.parquet"
    said = small(file, "-o", tmp_path / "o.parquet", "--rejects", tmp_path / "r.csv", "--engine", "polars")
    assert said.code == 0, said.err
    assert "读入 0 人 = 算出 0 人" in said.err
    assert pl.read_parquet(tmp_path / "o.parquet").height == 0
    assert rejected(tmp_path / "r.csv") == []


@pytest.mark.parametrize("layout", ("wide", "long"))
def test_a_table_all_of_whose_people_are_faulty(small: Any, tmp_path: Path, layout: str) -> None:
    rows = [GOOD.replace("P1", f"P{i}").replace("居民", "村民") for i in range(20)]
    said = small(sheet(tmp_path, *rows), "-o", tmp_path / "o.csv", "--rejects", tmp_path / "r.csv", "--layout", layout)
    assert said.code == 1 and "读入 20 人 = 算出 0 人" in said.err
    assert "还有 10 处没有列出（全部：E739 20）" in said.err
    assert len(rejected(tmp_path / "r.csv")) == 20
    assert read(tmp_path / "o.csv").height == 0


@pytest.mark.parametrize("shape", ("wide", "long"))
def test_one_bad_cell_among_ten_thousand_rows(small: Any, tmp_path: Path, shape: str) -> None:
    rows = 10_000
    frame = pl.DataFrame(
        {ID: [f"P{i:05d}" for i in range(rows)], "花费@2025": [f"{i}.5" for i in range(rows)]}
    ).with_columns(pl.lit("2000-01-01").alias("入册日期"), pl.lit("是").alias("在册@2025"))
    frame = frame.with_columns(
        pl.when(pl.col(ID) == "P07777").then(pl.lit("一")).otherwise("花费@2025").alias("花费@2025")
    )
    if shape == "long":
        frame = frame.rename({"花费@2025": "花费", "在册@2025": "在册"}).with_columns(pl.lit(2025).alias(YEAR))
    file = tmp_path / "表.parquet"
    frame.write_parquet(file)
    said = small(file, "-o", tmp_path / "o.parquet", "--rejects", tmp_path / "r.csv", year="2025")
    assert said.code == 1 and "读入 10,000 人 = 算出 9,999 人" in said.err
    assert [(r["编号"], r["值"]) for r in rejected(tmp_path / "r.csv")] == [("P07777", "一")]
    found = pl.read_parquet(tmp_path / "o.parquet")
    column = "报销" if shape == "long" else "报销@2025"
    wanted = sum(round(Decimal(f"{i}.5") * Decimal("0.6"), 2) for i in range(rows) if i != 7777)
    assert found[column].sum() == wanted


# ── ids ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", ("wide", "long"))
@pytest.mark.parametrize("kind", (pl.Int64, pl.UInt32, pl.String))
def test_ids_may_be_integers(small: Any, tmp_path: Path, shape: str, kind: Any) -> None:
    at = "" if shape == "long" else "@2025"
    columns = {
        ID: pl.Series([30, 4, 200]).cast(kind),
        "入册日期": [date(2000, 1, 1)] * 3,
        f"在册{at}": [True] * 3,
        f"花费{at}": [10, 20, -1],
    }
    if shape == "long":
        columns[YEAR] = [2025] * 3
    file, rejects = tmp_path / "表.parquet", tmp_path / "r.parquet"
    pl.DataFrame(columns).write_parquet(file)
    said = small(file, "-o", tmp_path / "o.parquet", "--rejects", rejects, "--layout", "wide", year="2025")
    assert said.code == 1, said.err
    rows = pl.read_parquet(tmp_path / "o.parquet").select(ID, "报销@2025").rows()
    assert sorted(rows) == [("30", Decimal("6.00")), ("4", Decimal("12.00"))]
    assert [r["编号"] for r in rejected(rejects)] == ["200"]


@pytest.mark.parametrize("shape", ("wide", "long"))
def test_rows_without_an_id_are_set_aside(small: Any, tmp_path: Path, shape: str) -> None:
    at = "" if shape == "long" else "@2025"
    columns = {
        ID: ["甲", None, "  ", "", "乙"],
        "入册日期": [date(2000, 1, 1)] * 5,
        f"在册{at}": [True] * 5,
        f"花费{at}": [10, 20, 30, 40, 50],
    }
    if shape == "long":
        columns[YEAR] = [2025] * 5
    file, rejects = tmp_path / "表.parquet", tmp_path / "r.csv"
    pl.DataFrame(columns).write_parquet(file)
    said = small(file, "-o", tmp_path / "o.parquet", "--rejects", rejects, year="2025")
    assert said.code == 1, said.err
    assert sorted(pl.read_parquet(tmp_path / "o.parquet")[ID]) == ["乙", "甲"]
    assert {r["代码"] for r in rejected(rejects)} == {"E715"}
    read_in, out, back = map(int, re.findall(r"读入 (\d+) 人 = 算出 (\d+) 人.* 退回 (\d+) 人", said.err)[0])
    assert (out, back) == (2, read_in - 2)


def test_ids_with_blanks_around_them(small: Any, tmp_path: Path) -> None:
    """The reader of records takes the blanks off; so do tables, or two ids are one."""
    file = sheet(tmp_path, GOOD.replace("P1", " P1 "), GOOD.replace("P1", "P 2"))
    said = small(file, "-o", tmp_path / "o.csv")
    assert said.code == 0, said.err
    assert [i.strip() for i in read(tmp_path / "o.csv")[ID]] == ["P1", "P 2"]
