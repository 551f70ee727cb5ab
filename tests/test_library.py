"""The built-in rulesets: each place checks clean, is pinned on a fixed population, and agrees with the national mechanism."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

import tiaoli
from jiangxi_by_hand import history
from population import YEARS, records, summary
from support import ROOT
from tiaoli.api import Rules
from tiaoli.model import RuleRef, expressions, walk
from tiaoli.parse import parse
from tiaoli.pipeline import Library, check_library, load
from tiaoli.records import Fault
from tiaoli.source import Source
from tiaoli.values import INSURED

pytestmark = pytest.mark.no_cover  # what they run, others cover: being traced would only double their time

LIBRARY = load()
PLACES = LIBRARY.places


@cache
def rules_of(place: str) -> Rules:
    return Rules(LIBRARY, place)


def test_no_document_has_an_error_or_a_warning() -> None:
    assert [f"{d.code} {d.place}" for d in check_library(LIBRARY)] == []


@pytest.mark.parametrize("path", sorted(p for p in ROOT.glob("rulesets/cn-*/*.tiaoli")), ids=lambda p: p.stem)
def test_the_document_of_a_province_is_short(path: Any) -> None:
    longest = 200 if path.stem == "赣府厅发-2024-34" else 80
    assert len(path.read_text("utf-8").splitlines()) <= longest


@pytest.mark.parametrize("place", PLACES)
def test_figures_of_one_year_end_with_it(place: str) -> None:
    """A last day of a window or a contribution of one insured year must not go on into the next."""
    program = rules_of(place).newest
    for name in ("当地集中参保期截止日", "当地个人缴费标准", "当地财政补助标准"):
        for value in program.parameters[name].values:
            assert value.last is not None, f"{name} {value.first} {value.span}"
    for value in program.parameters["当地集中参保期截止日"].values:
        assert value.first == value.last
        assert 0 <= value.first - value.value.year <= 1, value.span  # type: ignore[union-attr]


@pytest.mark.parametrize("place", PLACES)
def test_results_of_a_fixed_population_stay_as_they_are(place: str, file_regression: FileRegressionFixture) -> None:
    """People with a value, the sum of the values, a checksum of all of them; by rule and year."""
    rules = rules_of(place)
    results = list(rules.evaluate_many(records(rules.program(YEARS[-1])), YEARS))
    assert [r for r in results if isinstance(r, Fault)] == []
    lines = ["年度,结果,人数,合计,校验"]
    for year in YEARS:
        columns = {name: [r[year][name] for r in results] for name in results[0][year]}
        there = {name: column for name, column in columns.items() if any(v is not None for v in column)}
        lines += [f"{year},{name},{text}" for name, text in summary(there).items()]
    file_regression.check("\n".join(lines) + "\n", encoding="utf-8", extension=".csv", basename=place)


def without(library: Library, *paths: str) -> Library:
    kept = tuple(d for d in library.documents if not any(p in d.source.path for p in paths))
    return Library(kept, library.diagnostics)


def test_the_national_mechanism_with_jiangxis_figures_gives_jiangxis_results() -> None:
    """赣府厅发〔2024〕34号 restates the mechanism in its own words; the framework with the same figures must agree."""
    figures = """
文件 《江西数额》 地区 CN-JX 施行 2025年度 可靠性 A
条文 一 编码 连续参保每年提高, 零报销每次提高, 断保每年降低, 累计降低上限, 年内缴费生效
修改 参数 连续参保每年提高 = 3000元 依据 一
修改 参数 零报销每次提高 = 3000元 依据 一
修改 参数 断保每年降低 = 3000元 依据 一
修改 参数 累计降低上限 = 20% 依据 一
修改 参数 年内缴费生效: 当日 | 次日 | 一月一日 可空 = 次日 依据 一
"""
    document, found = parse(Source("江西数额.tiaoli", figures))
    assert found == []
    national = without(LIBRARY, "cn-jx/")
    framework = Rules(Library((*national.documents, document), national.diagnostics), "CN-JX")
    own, years, dice = rules_of("CN-JX"), range(2025, 2035), random.Random(34)
    texts = own.newest.rules
    names = [n for n in own.outputs if n in framework.outputs and texts[n][0].entity == INSURED]
    assert {"连续参保激励额度", "零报销激励额度", "大病保险最高支付限额", "待遇等待期", "待遇开始日"} <= set(names)
    for i in range(300):
        record = history(dice, f"P{i}")
        stated = dict(own.evaluate(record, years, rules=names))
        framed = dict(framework.evaluate(record, years, rules=names, readings={"待遇未生效年度": "算"}))
        assert framed == stated, record


@pytest.mark.parametrize("place", PLACES)
def test_what_is_not_encoded_names_a_figure_that_the_place_lacks(place: str) -> None:
    program = rules_of(place).program(2026)
    for rule, wanting in program.unencoded.items():
        assert wanting, rule
        assert all(program.parameters[name].awaited for name in wanting)
    for texts in program.rules.values():
        for text in texts:
            refs = {n.name for e in expressions(text.body) for n in walk(e) if isinstance(n, RuleRef) and not n.lag}
            assert not refs & (set(program.unencoded) - set(program.rules)), text.name


def test_a_division_without_documents_has_what_the_nation_says() -> None:
    rules = tiaoli.load("CN-HL")
    assert set(rules.outputs) <= set(rules_of("CN").outputs) | {"中央财政补助"}
    with pytest.raises(tiaoli.UsageError, match="CN-HL"):
        rules.evaluate({"编号": "1", "原封顶线": 400000}, 2026, rules=["连续参保激励额度"])
