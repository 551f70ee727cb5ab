"""What is kept from one process to the next: parsed texts, programs, plans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import tiaoli
from tiaoli import kept, pipeline
from tiaoli.backends import lower
from tiaoli.parse import parse
from tiaoli.source import Source
from tiaoli.values import Kind

TEXT = "文件 《甲》 地区 CN-XX 施行 2025年度\n\n规则 补贴: 金额\n  依据 第一条\n  = 100元\n"
OTHER = TEXT.replace("100", "200")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIAOLI_CACHE", str(tmp_path))


def _parsed_again(monkeypatch: pytest.MonkeyPatch, source: Source) -> bool:
    """Whether reading a text parses it."""
    heard: list[Source] = []

    def listening(text: Source):  # type: ignore[no-untyped-def]
        heard.append(text)
        return parse(text)

    pipeline._parsed.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr("tiaoli.parse.parse", listening)
        document, found = pipeline._parsed(source)
    assert (document, list(found)) == parse(source)
    return bool(heard)


def test_a_text_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("甲.tiaoli", TEXT)
    assert [_parsed_again(monkeypatch, source) for _ in range(3)] == [True, False, False]


def test_a_changed_text_is_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _parsed_again(monkeypatch, Source("甲.tiaoli", TEXT))
    assert _parsed_again(monkeypatch, Source("甲.tiaoli", OTHER))
    assert not _parsed_again(monkeypatch, Source("甲.tiaoli", OTHER))


def test_a_text_with_a_mistake_is_never_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("甲.tiaoli", TEXT.replace("=", "＝＝"))
    assert [_parsed_again(monkeypatch, source) for _ in range(2)] == [True, True]


@pytest.mark.parametrize(
    "harm", [lambda b: b[:-1], lambda b: b"", lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b[:40]]
)
def test_what_was_harmed_is_parsed_again(harm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    source = Source("甲.tiaoli", TEXT)
    _parsed_again(monkeypatch, source)
    (file,) = (tmp_path / "texts").iterdir()
    file.write_bytes(harm(file.read_bytes()))
    assert _parsed_again(monkeypatch, source)
    assert not _parsed_again(monkeypatch, source)


def test_a_changed_engine_parses_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("甲.tiaoli", TEXT)
    _parsed_again(monkeypatch, source)
    monkeypatch.setattr(kept, "_engine", lambda: b"another")
    assert _parsed_again(monkeypatch, source)


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TIAOLI_CACHE", str(tmp_path / "file"))
    assert _parsed_again(monkeypatch, Source("甲.tiaoli", TEXT))


def test_without_a_folder_named_the_user_s_own_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIAOLI_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    source = Source("甲.tiaoli", TEXT)
    assert [_parsed_again(monkeypatch, source) for _ in range(2)] == [True, False]
    assert (tmp_path / "own" / "tiaoli" / "texts").is_dir()
    monkeypatch.setenv("TIAOLI_CACHE", "")
    assert _parsed_again(monkeypatch, source)
    monkeypatch.delenv("TIAOLI_CACHE")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert _parsed_again(monkeypatch, source)


def test_members_of_enumerations_are_kept_however_this_python_pickles_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kind, "__reduce_ex__", lambda self, _: (getattr, (type(self), self.name)), raising=False)
    source = Source("甲.tiaoli", TEXT)
    assert [_parsed_again(monkeypatch, source) for _ in range(2)] == [True, False]


def test_what_cannot_be_taken_is_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("甲.tiaoli", TEXT)
    _parsed_again(monkeypatch, source)
    monkeypatch.setattr(pipeline, "_TEXTS", replace(pipeline._TEXTS, modules=()))
    assert _parsed_again(monkeypatch, source)


def test_the_built_in_library_is_the_same_parsed_and_kept() -> None:
    def library() -> pipeline.Library:
        for memory in (pipeline._shipped, pipeline._parsed):
            memory.cache_clear()
        return pipeline.load()

    first, second = library(), library()
    assert [repr(d.declarations) for d in first.documents] == [repr(d.declarations) for d in second.documents]
    assert first.diagnostics == second.diagnostics == ()


# ── programs and plans ───────────────────────────────────────────────────────


@pytest.fixture
def _everything_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_PROGRAMS", replace(pipeline._PROGRAMS, quick=0))
    monkeypatch.setattr(lower, "_PLANS", replace(lower._PLANS, quick=0))


def _made_again(monkeypatch: pytest.MonkeyPatch, module: object, name: str, work: Callable[[], object]) -> bool:
    """Whether the work calls a function."""
    heard: list[object] = []
    real = getattr(module, name)

    def listening(*given, **more):  # type: ignore[no-untyped-def]
        heard.append(given)
        return real(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, listening)
        work()
    return bool(heard)


@pytest.mark.usefixtures("_everything_is_kept")
def test_a_program_is_built_once_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def built(text: str = TEXT) -> tiaoli.Rules:
        rules = tiaoli.loads(text)
        rules.program(2025)
        return rules

    assert [_made_again(monkeypatch, pipeline, "build", built) for _ in range(3)] == [True, False, False]
    assert _made_again(monkeypatch, pipeline, "build", lambda: built(OTHER))
    rules = built(OTHER)
    monkeypatch.setenv("TIAOLI_CACHE", "")
    assert repr(built(OTHER).program(2025)) == repr(rules.program(2025))
    assert rules.program(2025).rules["补贴"][0].range == (20000, 20000)


@pytest.mark.usefixtures("_everything_is_kept")
def test_what_a_kept_program_points_to_is_the_text_that_was_read() -> None:
    for _ in range(2):
        rules = tiaoli.load("CN-JX")
        texts = {d.source.path: d.source for d in rules.library.documents}
        spans = [g.condition.span for s in rules.program(2026).segments for g in s.mandates]
        assert spans
        assert all(span.source is texts[span.source.path] for span in spans)


@pytest.mark.usefixtures("_everything_is_kept")
def test_a_program_of_which_there_is_something_to_say_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = TEXT.replace("100元", "没有的名称")
    for _ in range(2):
        with pytest.raises(tiaoli.RulesetError):
            tiaoli.loads(wrong).program(2025)
    assert not (tmp_path / "programs").exists()


@pytest.mark.usefixtures("_everything_is_kept")
def test_a_plan_is_made_once_for_the_same_wishes_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = tiaoli.load("CN-JX")
    years = range(2025, 2028)
    program, names, lasting = rules.wanted(years, None, {}, ("参保人",))
    have = frozenset(lower.column(f.name, y if f.yearly else None) for f in program.facts_of("参保人") for y in years)
    wishes = lower.Wishes(names, {"参保人": have}, {}, lasting)
    plans = []

    def planned(wishes: lower.Wishes = wishes) -> None:
        plans.append(lower.lower(program, years, wishes))

    assert [_made_again(monkeypatch, lower, "plan", planned) for _ in range(2)] == [True, False]
    assert plans[0] == plans[1]
    others = (
        replace(wishes, have={"参保人": frozenset(sorted(have)[1:])}), replace(wishes, reasons=True), replace(wishes, sharing=True),
        replace(wishes, closing=True), replace(wishes, outputs=names[:2]), replace(wishes, opening=2025), replace(wishes, lasting=()),
        replace(wishes, readings={"首年断保": "包括"}),
    )  # fmt: skip
    for other in others:
        assert [_made_again(monkeypatch, lower, "plan", lambda w=other: planned(w)) for _ in range(2)] == [True, False]


@pytest.mark.usefixtures("_everything_is_kept")
def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_PROGRAMS", replace(pipeline._PROGRAMS, most=3))
    for year in range(2025, 2035):
        tiaoli.loads(TEXT).program(year)
    assert len(list((tmp_path / "programs").iterdir())) == 3
    assert not _made_again(monkeypatch, pipeline, "build", lambda: tiaoli.loads(TEXT).program(2034))
    assert _made_again(monkeypatch, pipeline, "build", lambda: tiaoli.loads(TEXT).program(2025))
