"""What speaks of other records: values through a link (`所在统筹地区 的 起付线`) and figures over the records that point here (`计数(参保人)`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from tiaoli import model as m
from tiaoli import syntax as s
from tiaoli.consolidate import entity_named
from tiaoli.elaborate_context import Context
from tiaoli.model import ANY
from tiaoli.nearness import nearest
from tiaoli.operators import AGGREGATE_NAMES, AGGREGATES, AggregateForm
from tiaoli.resolve import Scope, Signature
from tiaoli.source import Span
from tiaoli.values import INSURED, Kind, Type


class Work(Protocol):
    """What is needed of the elaborator."""

    scope: Scope

    def say(self, code: str, span: Span, context: Context, **arguments: object) -> None: ...

    def value(
        self, expression: s.Expression, context: Context, expected: Type | None = None, nullable: bool = False
    ) -> m.Expression | None: ...

    def condition(self, expression: s.Expression, context: Context) -> m.Expression | None: ...

    def named(self, ref: s.Reference, signature: Signature, context: Context) -> m.Expression | None: ...


# ── 的 ───────────────────────────────────────────────────────────────────────


def elaborate_through(work: Work, path: s.Through, context: Context) -> m.Expression | None:
    """Return the value of a linked record; `统筹地区 的 X` in what is said of 统筹地区 is its own X."""
    own = _itself(work, path.link)
    if own is not None:
        if own == context.entity:
            known = frozenset({path.value} if path in context.present else ())
            return work.value(path.value, replace(context, present=context.present | known), nullable=True)
        _which_record(work, path, own, context)
        return None
    link = work.value(path.link, context, nullable=True)
    if link is None:
        return None
    if link.type.kind is not Kind.LINK:
        work.say("E219", path.link.span, context, name=path.link.span.text, found=link.type.present)
        return None
    value = _value_there(work, path.value, link.type.target, context)
    if value is None:
        return None
    absent = (link.type.nullable or value.type.nullable) and not context.knows(path)
    return m.Through(replace(value.type, nullable=absent), value.scale, ANY, path.span, link, value)


def _itself(work: Work, link: s.Path) -> str | None:
    """The kind of record that a path begins with in place of a link, or None."""
    if not isinstance(link, s.Reference) or link.previous or link.name in work.scope.signatures:
        return None
    return entity_named(link.name) if work.scope.is_entity(link.name) else None


def _which_record(work: Work, path: s.Through, owner: str, context: Context) -> None:
    """A kind of record before 的 where a link to one is needed."""
    way = work.scope.way(context.entity, owner, path.value.name)
    code = "E218" if way is not None else "E229"
    work.say(code, path.span, context, name=path.value.name, owner=owner, here=context.entity, way=way)


def _value_there(work: Work, ref: s.Reference, target: str, context: Context) -> m.FactRef | m.RuleRef | None:
    signature = work.scope.signatures.get(ref.name)
    if signature is None:
        if ref.name not in work.scope.in_force.symbols:
            work.scope.unknown(ref.name, ref.span, context.clause)
        return None
    if signature.owner is None:
        work.say("E230", ref.span, context, name=ref.name)
        return None
    if signature.owner != target:
        names = [n for n, sig in work.scope.signatures.items() if sig.owner == target]
        near = nearest(ref.name, names)
        work.say("E221", ref.span, context, name=ref.name, owner=signature.owner, target=target, near=near)
        return None
    node = work.named(ref, signature, context.of(target))
    assert node is None or isinstance(node, m.FactRef | m.RuleRef)
    return node


# ── 计数, 合计 and the others ─────────────────────────────────────────────────


def elaborate_aggregate(work: Work, written: s.Aggregate, context: Context) -> m.Expression | None:
    """Return a figure over the records of another kind whose link points to the record computed."""
    form = AGGREGATES[AGGREGATE_NAMES[written.form.text]]
    if context.member:
        work.say("E227", written.span, context, text=written.span.text, owner=context.entity)
        return None
    members = _members(work, written, form, context)
    link = None if members is None else _link(work, written, members, context)
    if members is None or link is None:
        return None
    inner = replace(context.of(members), member=True)
    condition = None
    if written.condition is not None:
        condition = work.condition(written.condition, inner)
        inner = inner.knowing(written.condition, True)
    value = work.value(written.arguments[0], inner) if written.arguments else None
    if (condition is None) != (written.condition is None) or (value is None) != (not written.arguments):
        return None
    kind = Kind.INT if value is None else form.kinds.get(value.type.kind)
    if value is not None and (kind is None or not _exact(work, written, value, context)):
        if kind is None:
            found, takes = value.type.present, tuple(Type(k) for k in form.kinds)
            work.say("E334", written.arguments[0].span, context, function=written.form.text, found=found, takes=takes)
        return None
    assert kind is not None
    scale = None if form.ratio else 0 if value is None else value.scale
    return m.Aggregate(
        Type(kind, (), form.absent), scale, ANY, written.span, form.zh, context.entity, members, link, condition, value
    )


def _members(work: Work, written: s.Aggregate, form: AggregateForm, context: Context) -> str | None:
    """The kind of record named first; behind it stands as many values as the form takes."""
    word = written.members
    if work.scope.is_entity(word.text):
        if len(written.arguments) == form.values:
            return entity_named(word.text)
        code = "E123" if form.values else "E124"
        work.say(code, written.span, context, function=written.form.text, members=word.text)
        return None
    if word.text in work.scope.in_force.broken:
        return None
    if word.text in work.scope.signatures:
        value = ", …" if form.values else " 当 …"
        better = f"{written.form.text}({INSURED}{value})"
        work.say("E122", word.span, context, function=written.form.text, better=better)
        return None
    near = nearest(word.text, [*work.scope.in_force.entities, INSURED])
    work.say("E217", word.span, context, name=word.text, near=near)
    return None


def _link(work: Work, written: s.Aggregate, members: str, context: Context) -> str | None:
    """The fact of the members that points here: the only one, or the one behind 按."""
    links = work.scope.links(members, context.entity)
    arguments = {"members": members, "here": context.entity, "links": tuple(links)}
    if written.link is not None:
        if written.link.text in links:
            return written.link.text
        if written.link.text not in work.scope.in_force.broken:
            near = nearest(written.link.text, links)
            work.say("E226", written.link.span, context, name=written.link.text, near=near, **arguments)
        return None
    if len(links) == 1:
        return links[0]
    if links:
        work.say("E223", written.members.span, context, link=links[0], **arguments)
    elif members == context.entity and (others := work.scope.links(members)):
        owner = work.scope.signatures[others[0]].type.target
        work.say("E232", written.members.span, context, owner=owner, **arguments)
    elif not work.scope.in_force.broken:
        work.say("E222", written.members.span, context, **arguments)
    return None


def _exact(work: Work, written: s.Aggregate, value: m.Expression, context: Context) -> bool:
    """Whether the value of the members is no unrounded division."""
    if value.scale is not None:
        return True
    work.say("E335", written.arguments[0].span, context, function=written.form.text)
    return False
