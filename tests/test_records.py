"""Records: each fault at its line and column, every file form, and the quick way against the slow one."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tiaoli import render
from tiaoli.diagnostic import Diagnostic
from tiaoli.model import ANY, Constant, Fact, Program, Range
from tiaoli.record_facts import Shape
from tiaoli.record_fast import compile_quick
from tiaoli.record_judge import Judge, as_json
from tiaoli.record_messages import RECORD_MESSAGES
from tiaoli.record_places import Located
from tiaoli.records import Condition, Fault, Person, RecordError, RecordReader, record_schema, schema_text
from tiaoli.source import Source, Span
from tiaoli.values import Kind, Type, Value

SPAN = Span(Source("facts", " "), 0, 1)
ALWAYS = Constant(Type(Kind.BOOL), None, ANY, SPAN, True)
POSITIVE: Range = (0, None)


def fact(
    name: str,
    kind: Kind,
    *,
    yearly: bool = False,
    default: Value = None,
    required: bool = False,
    nullable: bool = False,
    limits: Range = ANY,
    digits: int = 0,
    members: tuple[str, ...] = (),
    required_from: int | None = None,
) -> Fact:
    return Fact(
        name=name,
        yearly=yearly,
        type=Type(kind, members, nullable),
        default=default,
        has_default=default is not None,
        required=required,
        required_when=None if required_from is None else ALWAYS,
        required_first=required_from,
        required_last=None,
        range=limits,
        digits=digits,
        question=f"{name}？",
        note=None,
        basis=(),
        span=SPAN,
    )


JIANGXI = (
    fact("出生日期", Kind.DATE, nullable=True),
    fact("免等待人群", Kind.BOOL, default=False),
    fact("原封顶线", Kind.MONEY, required=True, limits=POSITIVE, digits=2),
    fact("参保", Kind.BOOL, yearly=True, default=False),
    fact("缴费日期", Kind.DATE, yearly=True, nullable=True, required_from=2025),
    fact("基金支付", Kind.MONEY, yearly=True, default=0, limits=POSITIVE, digits=2),
    fact("使用奖励额度", Kind.BOOL, yearly=True, default=False),
    fact("补缴年数", Kind.INT, yearly=True, default=0, limits=POSITIVE),
)
EVERYTHING = (
    *JIANGXI,
    fact("类别", Kind.ENUM, members=("城镇居民", "农村居民", "学生儿童"), default="城镇居民"),
    fact("参保地", Kind.PLACE, default="CN-JX"),
    fact("备注", Kind.TEXT, nullable=True),
    fact("首次年度", Kind.YEAR, nullable=True, limits=(2003, 2030)),
    fact("比例", Kind.RATE, yearly=True, default=Fraction(3, 5), limits=(0, 1), digits=2),
    fact("差额", Kind.MONEY, yearly=True, default=0, limits=(-1000, 1000), digits=2),
    fact("认定日", Kind.DATE, yearly=True, nullable=True, limits=(date(2000, 1, 1).toordinal(), None)),
)
CONDITIONS: Mapping[str, Condition] = {"缴费日期": lambda year, person, row: row[0] is True}


def program(facts: tuple[Fact, ...] = JIANGXI) -> Program:
    by_name = {one.name: one for one in facts}
    return Program("CN-JX", 2003, 2035, (), by_name, {}, {}, {}, "0")


def reader(facts: tuple[Fact, ...] = JIANGXI) -> RecordReader:
    return RecordReader(program(facts), range(2025, 2031), CONDITIONS)


def read(tmp_path: Path, name: str, content: str | bytes, facts: tuple[Fact, ...] = JIANGXI) -> list[Person | Fault]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(reader(facts).read(path))


def faults(found: list[Person | Fault]) -> list[Diagnostic]:
    return [diagnostic for one in found if isinstance(one, Fault) for diagnostic in one.diagnostics]


def spots(found: list[Person | Fault]) -> list[tuple[str, int | None, int | None]]:
    for one in faults(found):
        words(one)
    return [(one.code, one.line, one.column) for one in faults(found)]


def words(diagnostic: Diagnostic) -> str:
    """Fill every text of a diagnostic: none may ask for an argument that is not there."""
    message = RECORD_MESSAGES[diagnostic.code]
    texts = [message.zh, message.en, message.help_zh, message.help_en]
    filled = [text.format(**diagnostic.arguments) for text in texts]
    assert all(filled)
    assert diagnostic.path or diagnostic.line is None
    return filled[0]


GOOD = """\
编号: P001
免等待人群: 否
原封顶线: 400000
年度:
  2024: {参保: 是}
  2025: {参保: 是, 缴费日期: 2024-11-02}
  2026: {参保: 是, 缴费日期: 2026-03-01, 基金支付: 1200.50}
"""
P001 = Person(
    "P001",
    (None, False, 40_000_000),
    {
        2024: (True, None, 0, False, 0),
        2025: (True, date(2024, 11, 2), 0, False, 0),
        2026: (True, date(2026, 3, 1), 120_050, False, 0),
    },
    {},
)
GOOD_JSON = (
    '{"编号": "P001", "免等待人群": false, "原封顶线": 400000, "年度": {"2024": {"参保": "是"},'
    ' "2025": {"参保": true, "缴费日期": "2024-11-02"},'
    ' "2026年度": {"参保": true, "缴费日期": "2026-03-01", "基金支付": 1200.50}}}'
)
GOOD_CSV = """\
编号,年度,免等待人群,原封顶线,参保,缴费日期,基金支付
P001,2024,否,400000,是,,
P001,2025,,,true,2024-11-02,
P001,2026年度,否,400000.00,是,2026/3/1,1200.50
"""


# ── forms ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", GOOD),
        ("a.yml", "---\n" + GOOD + "---\n"),
        ("a.YAML", "- " + GOOD.replace("\n", "\n  ")),
        ("a.json", GOOD_JSON),
        ("b.json", f"[ {GOOD_JSON} ]\n"),
        ("a.jsonl", f"\n  {GOOD_JSON}  \r\n\n"),
        ("a.csv", GOOD_CSV),
        ("b.csv", GOOD_CSV.replace(",", "\t").replace("\n", "\r\n")),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_every_form_reads_the_same(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    assert read(tmp_path, name, text.encode(encoding)) == [P001]


def test_xlsx(tmp_path: Path) -> None:
    header = ["编号", "年度", "原封顶线", "参保", "缴费日期", "基金支付"]
    rows: list[list[object]] = [
        header,
        ["P001", 2024, 400000, True, None, None],
        [None, None, None, None, None, None],
        ["P001", 2025, None, "是", datetime(2024, 11, 2), None],
        ["P001", 2026, 400000.0, True, date(2026, 3, 1), 1200.5],
    ]
    assert list(reader().read(sheet(tmp_path, rows))) == [P001]


def test_xlsx_faults(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["编号", "年度", "原封顶线", "参保", "缴费日期", "基金支付"],
        [7, 2025, "400000", 1, datetime(2024, 11, 2, 8, 30), 100.005],
    ]
    found = list(reader().read(sheet(tmp_path, rows)))
    assert spots(found) == [("E729", 2, 3), ("E736", 2, 4), ("E738", 2, 5), ("E733", 2, 6)]
    assert faults(found)[3].arguments["found"] == "100.005"
    assert [one.person for one in found if isinstance(one, Fault)] == ["7"]
    (tmp_path / "broken.xlsx").write_bytes(b"PK nonsense")
    assert spots(list(reader().read(tmp_path / "broken.xlsx"))) == [("E747", None, None)]


def test_a_file_that_is_wrong_is_told_from_a_faulty_record(tmp_path: Path) -> None:
    for name, text, whole in (
        ("a.csv", "年度,原封顶线\n2025,1\n", True),
        ("a.jsonl", "{]\n", False),
        ("a.yaml", "", True),
    ):
        (fault,) = read(tmp_path, name, text)
        assert isinstance(fault, Fault) and fault.whole is whole


def test_a_year_of_a_table_may_be_written_as_a_fraction_of_nothing(tmp_path: Path) -> None:
    (person,) = read(tmp_path, "a.csv", "编号,年度,原封顶线,参保\nP,2025.0,1,否\n")
    assert isinstance(person, Person) and list(person.years) == [2025]
    (fault,) = read(tmp_path, "a.csv", "编号,年度,原封顶线,参保\nP,2025.5,1,是\n")
    assert "E722" in [code for code, _, _ in spots([fault])]


def test_faults_of_a_workbook_name_the_sheet(tmp_path: Path) -> None:
    rows: list[list[object]] = [["编号", "年度", "原封顶线", "参保"], ["甲", 2025, 1, "也许"], ["乙", 2025, 1, "是"]]
    (fault, _) = list(reader().read(sheet(tmp_path, rows, "名单")))
    (said,) = faults([fault])
    assert (said.sheet, said.line, said.column) == ("名单", 2, 4)
    assert "a.xlsx [名单]:2:4" in render.render_text(said, "zh")
    assert render.as_json(said, "zh")["sheet"] == "名单"
    for head in ([["编号", "原封顶线"]], [[]], [["年度"], [2025]]):
        found = list(reader().read(sheet(tmp_path, head, "说明")))
        assert {d.sheet for d in faults(found)} == {"说明"}


def sheet(tmp_path: Path, rows: list[list[object]], title: str = "Sheet") -> Path:
    from openpyxl import Workbook

    book = Workbook()
    book.worksheets[0].title = title
    for row in rows:
        book.worksheets[0].append(row)
    book.save(tmp_path / "a.xlsx")
    return tmp_path / "a.xlsx"


def test_english_keys_and_places(tmp_path: Path) -> None:
    text = '{"id": 7, "原封顶线": 1, "years": {"2025": {"place": "CN-JX-0791"}, "2026": {"地区": "CN-HE"}}}'
    (person,) = read(tmp_path, "a.json", text)
    assert isinstance(person, Person)
    assert (person.id, person.places) == ("7", {2025: "CN-JX-0791", 2026: "CN-HE"})


@pytest.mark.parametrize("written", ["0012", "'0012'", "!!str 0012"])
def test_yaml_keeps_the_text_of_an_id(tmp_path: Path, written: str) -> None:
    (person,) = read(tmp_path, "a.yaml", f"编号: {written}\n原封顶线: 1\n")
    assert isinstance(person, Person)
    assert person.id == "0012"


def test_yaml_aliases_work_within_reason(tmp_path: Path) -> None:
    text = "- {编号: a, 原封顶线: 1, 年度: &y {2025: {补缴年数: 2}}}\n- {编号: b, 原封顶线: 1, 年度: *y}\n"
    assert [one.years[2025][4] for one in read(tmp_path, "a.yaml", text) if isinstance(one, Person)] == [2, 2]
    bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert spots(read(tmp_path, "a.yaml", bomb)) == [("E710", 5, 36)]


def test_later_years_are_kept(tmp_path: Path) -> None:
    (person,) = read(tmp_path, "a.yaml", "编号: a\n原封顶线: 1\n年度: {2090: {参保: 否}}\n")
    assert isinstance(person, Person)
    assert person.years == {2090: (False, None, 0, False, 0)}


# ── Python values ────────────────────────────────────────────────────────────


def test_python_values() -> None:
    record = {
        "编号": "P001",
        "原封顶线": Decimal("400000"),
        "年度": {
            2024: {"参保": True},
            "2025": {"参保": "是", "缴费日期": date(2024, 11, 2)},
            "2026年度": {"参保": True, "缴费日期": "2026-03-01", "基金支付": Decimal("1200.5")},
        },
    }
    assert reader().convert(record) == P001


def test_floats_are_refused() -> None:
    with pytest.raises(RecordError) as caught:
        reader().convert({"编号": "a", "原封顶线": 0.1, "年度": {2025: {"基金支付": float("nan"), "参保": 1.0}}})
    assert [one.code for one in caught.value.diagnostics] == ["E712", "E712", "E712"]
    assert words(caught.value.diagnostics[0]) == "a · 原封顶线：0.1 是浮点数，不能准确表示小数"


def test_defaults() -> None:
    everything = reader(EVERYTHING)
    assert everything.default_year == (False, None, 0, False, 0, 60, 0, None)
    assert everything.convert({"编号": "a", "原封顶线": 1}).facts == (None, False, 100, "城镇居民", "CN-JX", None, None)
    assert reader((fact("收入", Kind.MONEY, yearly=True, required=True),)).default_year is None


def test_units() -> None:
    year = {"比例": Decimal("0.65"), "差额": Decimal("-10.00"), "认定日": "2000-01-01", "补缴年数": Decimal("2.0")}
    record = {"编号": "a", "原封顶线": Decimal("1E+5"), "首次年度": "2005年度", "年度": {2025: year}}
    person = reader(EVERYTHING).convert(record)
    assert person.facts[2] == 10_000_000
    assert person.facts[6] == 2005
    assert person.years[2025] == (False, None, 0, False, 2, 65, -1000, date(2000, 1, 1))


# ── faults of values ─────────────────────────────────────────────────────────

VALUE_FAULTS = [
    ("基金支付", '"100"', "E729", "100"),
    ("基金支付", "abc", "E730", '"abc"'),
    ("基金支付", "1,200", "E730", '"1,200"'),
    ("基金支付", "true", "E730", "true"),
    ("基金支付", "[1]", "E730", "[…]"),
    ("基金支付", "{a: 1}", "E730", "{…}"),
    ("基金支付", ".nan", "E732", ".nan"),
    ("基金支付", "NaN", "E732", "NaN"),
    ("基金支付", "-.inf", "E732", "-.inf"),
    ("基金支付", "1e5", "E732", "1e5"),
    ("基金支付", "0x1F", "E732", "0x1F"),
    ("基金支付", "0012", "E732", "0012"),
    ("基金支付", "9" * 41, "E732", "9" * 41),
    ("基金支付", "9" * 30, "E735", "9" * 30),
    ("基金支付", "100.005", "E733", "100.005"),
    ("基金支付", "1.00000000000000000000000000000001", "E733", "1.00000000000000000000000000000001"),
    ("基金支付", "-1", "E735", "-1"),
    ("基金支付", "", "E728", None),
    ("基金支付", "null", "E728", None),
    ("补缴年数", "1.5", "E734", "1.5"),
    ("补缴年数", "-2", "E735", "-2"),
    ("比例", "0.605", "E733", "0.605"),
    ("比例", "1.01", "E735", "1.01"),
    ("差额", "10.01", "E735", "10.01"),
    ("参保", "1", "E736", "1"),
    ("参保", "yes", "E736", '"yes"'),
    ("参保", "有", "E736", '"有"'),
    ("缴费日期", "2025-02-30", "E737", '"2025-02-30"'),
    ("缴费日期", "2025/2/30", "E737", '"2025/2/30"'),
    ("缴费日期", "2025/2/3", "E738", '"2025/2/3"'),
    ("缴费日期", "2025年2月3日", "E738", '"2025年2月3日"'),
    ("缴费日期", "20250203", "E738", "20250203"),
    ("缴费日期", "2025-W01-1", "E738", '"2025-W01-1"'),
    ("缴费日期", "2025-02-03 08:00:00", "E738", '"2025-02-03 08:00:00"'),
    ("缴费日期", "去年", "E738", '"去年"'),
    ("认定日", "1999-12-31", "E735", "1999-12-31"),
    ("地区", "江西", "E714", '"江西"'),
    ("地区", "36", "E714", "36"),
]


@pytest.mark.parametrize(("name", "written", "code", "found"), VALUE_FAULTS)
def test_faulty_value_of_a_year(tmp_path: Path, name: str, written: str, code: str, found: str | None) -> None:
    text = f"编号: P1\n原封顶线: 1\n年度:\n  2025:\n    {name}: {written}\n"
    result = read(tmp_path, "a.yaml", text, EVERYTHING)
    assert spots(result) == [(code, 5, 5 if written == "" else len(name) + 7)]
    (fault,) = faults(result)
    expected = {"where": f"P1 · 2025 · {name}", "person": "P1", "year": 2025, "fact": name}
    assert expected.items() <= dict(fault.arguments).items()
    assert fault.arguments.get("found") == (found if found is not None else None) or code == "E729"
    assert fault.path == str(tmp_path / "a.yaml")


PERSON_FAULTS = [
    ("类别", "城镇", "E739"),
    ("类别", "3", "E739"),
    ("参保地", "jx", "E714"),
    ("备注", "12", "E716"),
    ("首次年度", "2002", "E735"),
    ("首次年度", "'2005'", "E722"),
    ("首次年度", "05", "E722"),
]


@pytest.mark.parametrize(("name", "written", "code"), PERSON_FAULTS)
def test_faulty_value_of_a_person(tmp_path: Path, name: str, written: str, code: str) -> None:
    result = read(tmp_path, "a.yaml", f"编号: P1\n原封顶线: 1\n{name}: {written}\n", EVERYTHING)
    assert spots(result) == [(code, 3, len(name) + 3)]
    assert faults(result)[0].arguments["where"] == f"P1 · {name}"


def test_nearest_member(tmp_path: Path) -> None:
    (fault,) = faults(read(tmp_path, "a.yaml", "编号: P1\n原封顶线: 1\n类别: 农村\n", EVERYTHING))
    assert fault.arguments["nearest"] == "农村居民"
    assert words(fault) == 'P1 · 类别："农村" 不在可选之列：城镇居民、农村居民、学生儿童'


# ── faults of structure ──────────────────────────────────────────────────────

STRUCTURE = [
    ("原封顶线: 1\n", [("E715", 1, 1)]),
    ("编号:\n原封顶线: 1\n", [("E715", 1, 1)]),
    ("编号: 1.5\n原封顶线: 1\n", [("E716", 1, 5)]),
    ("编号: [1]\n原封顶线: 1\n", [("E716", 1, 5)]),
    ("编号: a\nid: b\n原封顶线: 1\n", [("E725", 2, 1)]),
    ("编号: a\n", [("E726", 1, 1)]),
    ("编号: a\n原封顶线: 1\n参保: 是\n", [("E720", 3, 1)]),
    ("编号: a\n原封顶线: 1\n地区: CN-JX\n", [("E720", 3, 1)]),
    ("编号: a\n原封顶线: 1\n年度:\n  2025: {免等待人群: 是}\n", [("E721", 4, 10)]),
    ("编号: a\n原封顶线: 1\n年度:\n  2025: {编号: b}\n", [("E721", 4, 10)]),
    ("编号: a\n原封顶线: 1\n原封顶: 1\n", [("E718", 3, 1)]),
    ("编号: a\n原封顶线: 1\n年度:\n  2025: {缴费日: 2024-11-01}\n", [("E718", 4, 10)]),
    ("编号: a\n原封顶线: 1\nxyz: 1\n", [("E719", 3, 1)]),
    ("编号: a\n原封顶线: 1\n年度: 2025\n", [("E713", 3, 5)]),
    ("编号: a\n原封顶线: 1\n年度: [2025]\n", [("E713", 3, 5)]),
    ("编号: a\n原封顶线: 1\n年度:\n  2025: 是\n", [("E713", 4, 9)]),
    ("编号: a\n原封顶线: 1\n年度:\n  25: {}\n", [("E722", 4, 3)]),
    ("编号: a\n原封顶线: 1\n年度:\n  二〇二五: {}\n", [("E722", 4, 3)]),
    ("编号: a\n原封顶线: 1\n年度:\n  2025: {}\n  2025: {}\n", [("E723", 5, 3)]),
    ("编号: a\n原封顶线: 1\n年度:\n  2025: {}\n  2025年度: {}\n", [("E723", 5, 3)]),
    ("编号: a\n原封顶线: 1\n年度:\n  2002: {}\n", [("E724", 4, 3)]),
    ("编号: a\n原封顶线: 1\n原封顶线: 2\n", [("E725", 3, 1)]),
    ("编号: a\n原封顶线: 1\n年度: {}\nyears: {}\n", [("E725", 4, 1)]),
    ("编号: a\n原封顶线: 1\n年度:\n  2025: {参保: 否, 参保: 是}\n", [("E725", 4, 17)]),
    ("编号: a\n原封顶线: 1\n年度:\n  2025: {参保: 是}\n", [("E727", 4, 3)]),
    ("编号: a\n原封顶线: 1\n年度:\n  2025: {参保: 是, 缴费日期: }\n", [("E727", 4, 3)]),
    ("- 编号: a\n  原封顶线: 1\n- 编号: a\n  原封顶线: 1\n", [("E717", 3, 7)]),
    ("- 编号: a\n  原封顶线: x\n- 编号: a\n  原封顶线: 1\n", [("E730", 2, 9), ("E717", 3, 7)]),
    ("- 编号: a\n  原封顶线: 1\n- 5\n", [("E713", 3, 3)]),
    ("just text\n", [("E713", 1, 1)]),
    ("编号: a\n原封顶线: 1\n年度: {2025: [1]}\n? [a]\n: 1\n", [("E713", 3, 12), ("E719", 4, 3)]),
]


@pytest.mark.parametrize(("text", "expected"), STRUCTURE)
def test_faulty_structure(tmp_path: Path, text: str, expected: list[tuple[str, int, int]]) -> None:
    assert spots(read(tmp_path, "a.yaml", text)) == expected


def test_nearest_fact_and_first_place(tmp_path: Path) -> None:
    text = "编号: a\n原封顶: 1\n年度:\n  2025: {参加: 是}\n  2025: {}\n"
    found = faults(read(tmp_path, "a.yaml", text))
    assert [one.code for one in found] == ["E726", "E718", "E718", "E723"]
    assert found[1].arguments["nearest"] == "原封顶线"
    assert found[2].arguments["nearest"] == "参保"
    assert words(found[3]) == "a · 2025：2025年度重复，第 4 行已有"


def test_required_in_every_year_asked(tmp_path: Path) -> None:
    facts = (fact("收入", Kind.MONEY, yearly=True, required=True, limits=POSITIVE),)
    text = "编号: a\n年度:\n  2024: {}\n  2025: {收入: 1}\n"
    found = read(tmp_path, "a.yaml", text, facts)
    assert spots(found) == [("E726", 3, 3)] * 6
    years = [one.arguments["year"] for one in faults(found)]
    assert sorted(year for year in years if isinstance(year, int)) == [2024, 2026, 2027, 2028, 2029, 2030]


def test_faulty_records_do_not_stop_the_others(tmp_path: Path) -> None:
    lines = [
        GOOD_JSON,
        '{"编号": "P2"}',
        '{"编号": "P3", ',
        "[1]",
        '{"编号": "P4", "原封顶线": 1, "年度": {"2025": {"参保": 1}}}',
        '{"编号": "P4", "原封顶线": NaN}',
        '{"编号": "P5", "原封顶线": 1, "原封顶线": 2}',
        '{"编号": "P1:6", "原封顶线": 1}',
        '{"编号": "P7", "原封顶线": 1} x',
        '  {"编号": "P001", "原封顶线": 1e999999999999999999999}',
        '{"编号": "P\\ud800", "原封顶线": 1}',
        "[" * 100_000,
        '{"编号": "P9", "原封顶线": ' + "9" * 5000 + "}",
        '{"编号": "Z", "原封顶线": 1}',
    ]
    found = read(tmp_path, "a.jsonl", "\n".join(lines))
    assert [one.id for one in found if isinstance(one, Person)] == ["P001", "P1:6", "Z"]
    assert spots(found) == [
        ("E726", 2, 1),
        ("E707", 3, 13),
        ("E713", 4, 1),
        ("E736", 5, 47),
        ("E717", 6, 8),
        ("E732", 6, 22),
        ("E725", 7, 25),
        ("E707", 9, 25),
        ("E717", 10, 10),
        ("E732", 10, 26),
        ("E716", 11, 8),
        ("E710", 12, 34),
        ("E732", 13, 22),
    ]


def test_json_places(tmp_path: Path) -> None:
    text = '[\n  {"编号": "a", "原封顶线": 1},\n\t{"编号": "b",\n   "原封顶线": "1",\n   "年度": {"2025": {"参保": true, "参保 ": 1}}}\n]'
    found = read(tmp_path, "a.json", text)
    assert spots(found) == [("E729", 4, 12), ("E718", 5, 32)]
    assert [type(one) for one in found] == [Person, Fault]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", "[{]", ("E707", 1, 3)),
        ("a.json", '[{"a": 1}\n {"b": 1}]', ("E707", 2, 2)),
        ("a.json", '{"a": 1}\n{"b": 1}', ("E707", 2, 1)),
        ("a.json", '{"a": tru}', ("E707", 1, 7)),
        ("a.json", '{"a": "x\n"}', ("E707", 1, 9)),
        ("a.json", '{"a" 1}', ("E707", 1, 6)),
        ("a.json", '{"a": 1', ("E707", 1, 8)),
        ("a.json", '{"a": 1,}', ("E707", 1, 9)),
        ("a.json", "[" * 50, ("E710", 1, 34)),
        ("a.json", "", ("E706", 1, 1)),
        ("a.json", " [ ] ", ("E706", 1, 1)),
        ("a.jsonl", "\n\n", ("E706", 1, 1)),
        ("a.yaml", "# nothing\n", ("E706", 1, 1)),
        ("a.yaml", "---\n---\n[]", ("E706", 1, 1)),
        ("a.yaml", "a: b\n c: d: e\n", ("E707", 2, 2)),
        ("a.yaml", "a: [1,\nb: 2", ("E707", 1, 4)),
        ("a.yaml", "a: *b\n", ("E707", 1, 4)),
        ("a.yaml", "a: \x00\n", ("E707", 1, 4)),
        ("a.yaml", "%YAML 9.0\n---\na: 1\n", ("E707", 1, 1)),
        ("a.yaml", "a: " + "[" * 40 + "]" * 40, ("E710", 1, 36)),
        ("a.csv", "", ("E706", 1, 1)),
        ("a.csv", "编号,年度,原封顶线\n", ("E706", 1, 1)),
        ("a.csv", '编号,原封顶线\n"a"x,1\n', ("E707", 2, None)),
        ("a.csv", "年度,原封顶线\n2025,1\n", ("E708", 1, 1)),
        ("a.csv", "编号,原封顶线,参保\na,1,是\n", ("E708", 1, 1)),
        ("a.csv", "编号,年度\na,2025\n", ("E708", 1, 1)),
        ("a.csv", "编号,年度,原封顶线,参保,参保\na,2025,1,是,是\n", ("E725", 1, 5)),
        ("a.csv", "编号,年度,原封顶线,缴费日\na,2025,1,\n", ("E718", 1, 4)),
        ("a.csv", "编号,年度,原封顶线,xyz\na,2025,1,\n", ("E719", 1, 4)),
        ("a.txt", "a", ("E703", None, None)),
        ("a", "a", ("E703", None, None)),
        ("a.yaml", b"a: 1\nb: \xff\xff\n", ("E705", 2, None)),
        ("a.csv", b"\xff\xfe\x16\x7f", ("E705", 1, None)),
        ("a.jsonl", b'{"id": "\xff\xff"}\n', ("E705", 1, None)),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, name: str, content: str | bytes, expected: tuple[str, int, int]
) -> None:
    found = read(tmp_path, name, content)
    assert spots(found) == [expected]
    assert isinstance(found[0], Fault)
    assert found[0].person is None


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    assert spots(list(reader().read(tmp_path / "none.yaml"))) == [("E701", None, None)]
    assert spots(list(reader().read(tmp_path))) == [("E702", None, None)]
    locked = tmp_path / "a.jsonl"
    locked.symlink_to(locked)
    assert spots(list(reader().read(locked)))[0][0] in ("E701", "E704")


def test_jsonl_keeps_to_one_encoding(tmp_path: Path) -> None:
    one, two = (f'{{"编号": "{name}", "原封顶线": 1}}\n' for name in ("甲", "乙"))
    found = read(tmp_path, "a.jsonl", one.encode("gb18030") + two.encode("gb18030"))
    assert [person.id for person in found if isinstance(person, Person)] == ["甲", "乙"]
    assert spots(read(tmp_path, "a.jsonl", one.encode() + two.encode("gb18030"))) == [("E705", 2, None)]


# ── tables ───────────────────────────────────────────────────────────────────


def test_csv_faults(tmp_path: Path) -> None:
    text = """\
编号,年度,原封顶线,参保,缴费日期,基金支付
a,2025,400000,是,2025-2-30,-1

b,2025,300000,否,,"1,200"
a,2026,500000,1,,1e5
,2026,1,否,,
b,2025,300000,否,,
c,,1,是,,
d,,1,,
e,2025,1,否,,,x
"""
    found = read(tmp_path, "a.csv", text)
    assert [one.id for one in found if isinstance(one, Person)] == ["d"]
    assert spots(found) == [
        ("E737", 2, 5),
        ("E735", 2, 6),
        ("E709", 5, 3),
        ("E736", 5, 4),
        ("E732", 5, 6),
        ("E730", 4, 6),
        ("E723", 7, 2),
        ("E715", 6, 1),
        ("E722", 8, 2),
        ("E731", 10, 7),
    ]
    conflict = next(one for one in faults(found) if one.code == "E709")
    assert words(conflict) == "a · 原封顶线：“原封顶线”在此行是 500000，在第 2 行是 400000"


def test_csv_rows_of_a_person_need_not_be_together(tmp_path: Path) -> None:
    text = "编号,年度,原封顶线,补缴年数\na,2025,1,1\nb,2025,2,2\na,2026,,3\n"
    people = read(tmp_path, "a.csv", text)
    assert [(one.id, sorted(one.years)) for one in people if isinstance(one, Person)] == [
        ("a", [2025, 2026]),
        ("b", [2025]),
    ]


# ── schema ───────────────────────────────────────────────────────────────────


def test_schema() -> None:
    schema = record_schema(program(EVERYTHING))
    Draft202012Validator.check_schema(schema)
    text = schema_text(program(EVERYTHING))
    assert json.loads(text, parse_float=Decimal) == json.loads(json.dumps(schema, default=float), parse_float=Decimal)
    year = json.loads(text)["properties"]["年度"]["additionalProperties"]["properties"]
    assert "multipleOf" not in text
    assert year["比例"] == {
        "title": "比例",
        "description": "比例？",
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.6,
    }
    assert year["参保"]["enum"] == [True, False, "是", "否"]
    assert json.loads(text)["required"] == ["原封顶线"]


def test_schema_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge(Shape(program(), range(2025, 2031), {}))
    monkeypatch.setattr(judge, "_validator", Draft202012Validator({"required": ["x"]}))
    person, ident, found = judge.judge(Located({"编号": "a", "原封顶线": 1}))
    assert (person, ident, [one.code for one in found]) == (None, "a", ["E711"])
    assert "'x' is a required property" in words(found[0])


def test_every_code_has_words() -> None:
    for code, message in RECORD_MESSAGES.items():
        assert "E701" <= code <= "E749" or "E851" <= code <= "E859"  # of single records, and of tables
        fields = {name for _, name, _, _ in string.Formatter().parse(message.zh) if name}
        other = {name for _, name, _, _ in string.Formatter().parse(message.en) if name}
        assert fields - {"type"} == other - {"type_en"}, code


# ── the quick way and the slow one ───────────────────────────────────────────

DATES = st.dates(date(1990, 1, 1), date(2040, 1, 1))
NUMBERS = st.one_of(
    st.integers(-5, 10**7),
    st.decimals(-5, 10**6, places=2),
    st.decimals(0, 2, places=4),
    st.sampled_from([Decimal("NaN"), Decimal("1E+30"), Decimal("1E-50"), Decimal("0.6"), 10**30]),
)
VALUES = st.one_of(
    st.booleans(),
    st.sampled_from(["是", "否", "城镇居民", "CN-JX", "jx", "", "2025-02-30", "20250101", "2005年度", None, 2005, 3.5]),
    NUMBERS,
    DATES,
    DATES.map(date.isoformat),
)


def values_of(one: Fact) -> st.SearchStrategy[object]:
    fitting: dict[Kind, st.SearchStrategy[object]] = {
        Kind.BOOL: st.sampled_from([True, False, "是", "否"]),
        Kind.DATE: DATES.map(date.isoformat),
        Kind.MONEY: st.decimals(0, 10**6, places=2),
        Kind.INT: st.integers(0, 9),
        Kind.RATE: st.decimals(0, 1, places=2),
        Kind.ENUM: st.sampled_from(one.type.members or ("",)),
        Kind.PLACE: st.just("CN-HE"),
        Kind.TEXT: st.text(),
        Kind.YEAR: st.integers(2003, 2030),
    }
    # Mostly sound records, so that the quick way is taken too.
    return st.integers(0, 30).flatmap(lambda chance: VALUES if chance == 0 else fitting[one.type.kind])


def some(facts: list[Fact]) -> st.SearchStrategy[dict[object, object]]:
    return st.fixed_dictionaries({}, optional={one.name: values_of(one) for one in facts})


PEOPLE = st.builds(
    lambda ident, own, years: {**ident, **own, **years},
    st.one_of(st.just({"编号": "a"}), st.just({"id": 5}), st.dictionaries(st.sampled_from(["编号", "id"]), VALUES)),
    some([one for one in EVERYTHING if not one.yearly]),
    st.one_of(
        st.dictionaries(
            st.sampled_from([2025, "2026", "2027年度", "2024", "1999", "x"]),
            some([one for one in EVERYTHING if one.yearly]),
            max_size=3,
        ).map(lambda years: {"年度": years}),
        st.just({}),
    ),
)


@settings(max_examples=300, deadline=None)
@given(PEOPLE)
def test_the_quick_way_means_the_same(record: dict[object, object]) -> None:
    shape = Shape(program(EVERYTHING), range(2025, 2031), CONDITIONS)
    judge = Judge(shape)
    quick = QUICK(record)
    slow, _, found = judge.judge(Located(record))
    assert (slow is None) == bool(found)
    if quick is not None:
        assert quick == slow
        assert [type(value) for value in quick.facts] == [type(value) for value in slow.facts]
        SCHEMA.validate(as_json(record))
    for one in found:
        words(one)


QUICK = compile_quick(Shape(program(EVERYTHING), range(2025, 2031), CONDITIONS))
SCHEMA = Draft202012Validator(record_schema(program(EVERYTHING)))


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text(), st.text(alphabet='{}[]:,"编号年度原封顶线a1.-e \n\t&*!')),
    st.sampled_from(["yaml", "json", "jsonl", "csv"]),
)
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str, suffix: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for one in reader().read(path):
        if isinstance(one, Fault):
            assert one.diagnostics
            for diagnostic in one.diagnostics:
                words(diagnostic)


def test_conditions_see_sound_facts_only() -> None:
    def fragile(year: int, person: tuple[Value, ...], row: tuple[Value, ...]) -> bool:
        return isinstance(person[2], int) and person[2] > 0 and row[0] is True

    strict = RecordReader(program(), range(2025, 2027), {"缴费日期": fragile})
    with pytest.raises(RecordError) as caught:
        strict.convert({"编号": "a", "原封顶线": "1", "年度": {2025: {"参保": True}, 2026: {"参保": 1}}})
    assert [one.code for one in caught.value.diagnostics] == ["E729", "E736"]
    before = {"编号": "a", "原封顶线": 1, "年度": {2024: {"参保": True}}}
    assert strict.convert(before).years[2024][1] is None
