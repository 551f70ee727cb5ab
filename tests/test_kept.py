"""What is kept of parsed texts from one process to the next."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tiaoli import kept, pipeline
from tiaoli.kept import PARSING, read
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

    with monkeypatch.context() as patch:
        patch.setattr("tiaoli.parse.parse", listening)
        document, found = read(source)
    assert (document, found) == parse(source)
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
    monkeypatch.setattr(kept, "_ground", lambda: b"another")
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
    monkeypatch.setattr(kept, "_NODES", ())
    assert _parsed_again(monkeypatch, source)


def test_the_modules_named_are_all_that_parsing_rests_on() -> None:
    engine = Path(kept.__file__).parent
    found: set[str] = set()
    waiting = ["parse"]
    while waiting:
        name = waiting.pop()
        if name in found or not (engine / f"{name}.py").exists():
            continue
        found.add(name)
        for node in ast.walk(ast.parse((engine / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "tiaoli":
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tiaoli."):
                waiting.append(str(node.module).removeprefix("tiaoli."))
    assert tuple(sorted(found)) == PARSING


def test_the_built_in_library_is_the_same_parsed_and_kept() -> None:
    def library() -> pipeline.Library:
        for memory in (pipeline._shipped, pipeline._parsed):
            memory.cache_clear()
        return pipeline.load()

    first, second = library(), library()
    assert [repr(d.declarations) for d in first.documents] == [repr(d.declarations) for d in second.documents]
    assert first.diagnostics == second.diagnostics == ()
