"""A run over all parts of a table, file to file: each part's files appear whole or not at all, and with marks beside them they are not computed again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tiaoli.batch.passing import Count, Rejects
from tiaoli.batch.rejecting import Reject
from tiaoli.batch.running import Heard, Run
from tiaoli.batch.sources import Part
from tiaoli.results import whole_file


@dataclass(frozen=True)
class Files:
    """Where a run writes: files, or folders where the input is one. ``resume``: parts that are there, made the same way, are kept."""

    output: Path | None
    closing: Path | None = None
    rejects: Path | None = None
    resume: bool = False


def run_files(run: Run, files: Files, done: Callable[[Part, Count, bool], None] | None = None) -> tuple[Count, Rejects]:
    """Compute all parts of a run, file to file. ``done`` is told of each part: its count, and whether it was kept from before."""
    total, rejects = Count(), Rejects(files.rejects)
    with rejects:
        _parts(run, files, total, rejects, done)
    return total, rejects


def _parts(
    run: Run, files: Files, total: Count, rejects: Rejects, done: Callable[[Part, Count, bool], None] | None
) -> None:
    folder = len(run.parts) > 1 or (files.output is not None and files.output.is_dir())
    for part in run.parts:
        output, closing = (_place(path, part, folder, run) for path in (files.output, files.closing))
        mark = _Mark(output, run, part, closing) if folder and output is not None else None
        kept = mark.read() if mark is not None and files.resume else None
        if kept is None:
            own: list[Reject] = []
            heard = rejects if mark is None else own.append
            count = _one(run, part, output, closing, heard)
            if mark is not None:
                mark.write(count, own)
        else:
            count, own = kept
        total.add(count)
        for line in own:
            rejects(line)
        if done is not None:
            done(part, count, kept is not None)


def left_behind(run: Run, output: Path) -> list[Path]:
    """Return the results in a folder that an earlier run wrote of parts that the input has no more."""
    current = {_place(output, part, True, run) for part in run.parts}
    noted = [output / file.name.removesuffix(".json") for file in sorted((output / "_tiaoli").glob("*.json"))]
    return [file for file in noted if file not in current and file.exists()]


def _place(path: Path | None, part: Part, folder: bool, run: Run) -> Path | None:
    if path is None or not folder:
        return path
    path.mkdir(exist_ok=True)
    suffix = part.path.suffix.lower() if part.path is not None else ".parquet"
    return path / f"{part.name}{suffix if suffix in ('.csv', '.arrow') else '.parquet'}"


def _one(run: Run, part: Part, output: Path | None, closing: Path | None, heard: Heard) -> Count:
    """One part, its files written under other names and renamed together at the end."""
    with ExitStack() as stack:
        names: list[tuple[Path, Path]] = []
        for path in (output, closing):
            if path is not None:
                partial = stack.enter_context(whole_file(path))
                names.append((partial, partial.with_name(partial.name + path.suffix)))
                stack.callback(names[-1][1].unlink, missing_ok=True)
        held = [typed for _, typed in names]
        to_results = held.pop(0) if output is not None else None
        to_state = held.pop(0) if closing is not None else None
        count, _ = run.part(part, to_results, to_state, heard, (output or Path()).parent)
        for partial, typed in names:
            typed.replace(partial)
    return count


@dataclass(frozen=True)
class _Mark:
    """What is noted beside the results of a part: how they were made, and what was counted."""

    output: Path
    run: Run
    part: Part
    closing: Path | None

    @property
    def path(self) -> Path:
        return self.output.parent / "_tiaoli" / f"{self.output.name}.json"

    def made(self) -> dict[str, Any]:
        """What the results rest on."""
        from tiaoli import __version__

        wish = self.run.wish
        return {
            "engine": __version__, "rulesets": self.run.program.fingerprint, "place": self.run.rules.place,
            "years": [wish.years.start, wish.years.stop], "rules": list(self.run.names), "readings": dict(wish.readings),
            "units": wish.units.value, "layout": self.run.layout.value, "reasons": wish.reasons, "by": list(wish.by), "lang": wish.lang,
            "closing": self.closing is not None, "twice": sha256("\n".join(self.run.twice).encode()).hexdigest(), "beside": list(map(_stamp, self.run.beside)),
            "input": None if self.part.path is None else _stamp(self.part.path),
        }  # fmt: skip

    def _files(self) -> list[list[int] | None]:
        """What was written, as it is now."""
        return [_stamp(path) if path is not None and path.exists() else None for path in (self.output, self.closing)]

    def read(self) -> tuple[Count, list[Reject]] | None:
        """The counts and rejects of results that are there and were made the same way, else None."""
        try:
            noted = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if noted.get("made") != self.made() or noted.get("files") != self._files():
            return None
        return Count(**noted["count"]), [Reject(*row) for row in noted["rejects"]]

    def write(self, count: Count, rejects: Sequence[Reject]) -> None:
        self.path.parent.mkdir(exist_ok=True)
        noted = {
            "made": self.made(),
            "files": self._files(),
            "count": asdict(count),
            "rejects": [list(one.row) for one in rejects],
        }
        with whole_file(self.path) as partial:
            partial.write_text(json.dumps(noted, ensure_ascii=False), encoding="utf-8")


def _stamp(source: Any) -> list[int] | None:
    """What tells a file from another one of the same name."""
    if not isinstance(source, str | Path):
        return None
    stat = Path(source).stat()
    return [stat.st_size, stat.st_mtime_ns]


__all__ = ["Files", "left_behind", "run_files"]
