"""`index.html`: what a person sees first, in English and Chinese. No script, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape as escape_html
from typing import Final
from urllib.parse import quote

from evidence.binder.contents import Contents
from evidence.binder.statement import NON_CLAIMS, BinderFacts, iso_utc
from evidence.hidden_signs import show_hidden

_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,'Noto Sans SC',sans-serif;margin:0 auto;max-width:70rem;padding:1rem;"
    "color:#1a1a1a;background:#fff}table{border-collapse:collapse;width:100%;margin:0 0 1.5rem}"
    "caption{text-align:left;font-weight:600;padding:.25rem 0}th,td{border:1px solid #767676;"
    "padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}code{font-size:.85em}"
    ".skip{position:absolute;left:-99rem}.skip:focus{position:static}a{color:#00449e}"
)
_STATUS_WORDS: Final = {
    "satisfied": "satisfied / 满足",
    "partial": "partly satisfied / 部分满足",
    "notSatisfied": "not satisfied / 不满足",
    "notAssessed": "not assessed / 未评估",
    "waived": "waived / 已豁免",
}
NON_CLAIMS_ZH: Final = (  # of `NON_CLAIMS`, in their order
    "不对法律合规性发表意见",
    "完整性不等于真实性：此处收录的是当时记录的内容，无论其正确与否",
    "引文核验只说明引文存在于来源中，并不说明论断由其得出",
    "可解释性发现只能支持或反驳其他证据，单独不能满足任何要求",
)


def escape(text: str) -> str:
    """Return a text for the page: no markup of its own, and a mark where a character would not be seen."""
    return escape_html(show_hidden(text))


def front_page(facts: BinderFacts, contents: Contents) -> bytes:
    """Return the page as UTF-8. Everything that comes from outside is escaped."""
    title = f"Evidence binder / 证据册: {facts.system}"
    heading = (
        '<header><h1><span lang="en">Evidence binder</span> / <span lang="zh-Hans">证据册</span>: '
        f"{escape(facts.system)}</h1></header>"
    )
    parts = [
        '<a class="skip" href="#main">Skip to the content / 跳到正文</a>',
        heading,
        '<main id="main">',
        _scope(facts),
        _verify_note(),
        _populations(contents),
        _requirements(contents),
        _files(contents),
        _non_claims(),
        "</main>",
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    ).encode()


def _scope(facts: BinderFacts) -> str:
    rows = [
        ("Purpose / 目的", facts.purpose),
        ("Period / 期间", f"{iso_utc(facts.period_from)} – {iso_utc(facts.period_to)}"),
        ("As of / 截至", iso_utc(facts.as_of)),
        ("Binder / 编号", facts.binder_id.urn),
        ("Producer / 制作程序", f"{facts.producer_id} {facts.producer_version}"),
        ("Redacted / 是否有删减", "yes / 有" if facts.redacted else "no / 无"),
    ]
    return _section("scope", "Scope", "范围", _facts_table("What this binder covers / 本册范围", rows))


def _verify_note() -> str:
    text = (
        '<p lang="en">This page proves nothing by itself. Verify the ZIP offline, with a trust file you got '
        "from somewhere else: <code>tracebinder verify BINDER.zip --trust trust.json</code>.</p>"
        '<p lang="zh-Hans">本页本身不构成证明。请使用从其他途径取得的信任文件离线核验压缩包：'
        "<code>tracebinder verify BINDER.zip --trust trust.json</code>。</p>"
    )
    return _section("verify", "How to verify", "如何核验", text)


def _populations(contents: Contents) -> str:
    rows = [
        (_link(population.path, population.name), str(population.count), f"<code>{population.digest}</code>")
        for population in contents.populations
    ]
    heads = ("Population / 总体", "Members / 数量", "SHA-256")
    table = _table("Complete lists, counter evidence first / 完整清单，反面证据在前", heads, rows)
    return _section("populations", "What was recorded", "记录内容", table)


def _requirements(contents: Contents) -> str:
    rows = [(_STATUS_WORDS[status], str(count)) for status, count in contents.requirements.items()]
    table = _table("Requirements by status / 按状态统计的要求", ("Status / 状态", "Count / 数量"), rows)
    return _section("requirements", "Requirements", "要求", table)


def _files(contents: Contents) -> str:
    rows = [
        (_link(listing.path, listing.path), escape(listing.title), f"{listing.size:,}")
        for listing in contents.listings
    ]
    heads = ("File / 文件", "Content / 内容", "Bytes / 字节")
    return _section("files", "Files", "文件", _table("Every file / 全部文件", heads, rows))


def _non_claims() -> str:
    english = "".join(f"<li>{escape(claim)}</li>" for claim in NON_CLAIMS)
    chinese = "".join(f"<li>{escape(claim)}</li>" for claim in NON_CLAIMS_ZH)
    lists = f'<ul lang="en">{english}</ul><ul lang="zh-Hans">{chinese}</ul>'
    return _section("non-claims", "What this binder does not say", "本册不说明的内容", lists)


def _section(anchor: str, english: str, chinese: str, content: str) -> str:
    return (
        f'<section aria-labelledby="{anchor}"><h2 id="{anchor}"><span lang="en">{english}</span> / '
        f'<span lang="zh-Hans">{chinese}</span></h2>\n{content}\n</section>'
    )


def _facts_table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{escape(head)}</th><td>{escape(value)}</td></tr>\n' for head, value in rows
    )
    return f"<table><caption>{caption}</caption>\n<tbody>{lines}</tbody></table>"


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    lines = "".join(
        f'<tr><th scope="row">{cells[0]}</th>{"".join(f"<td>{cell}</td>" for cell in cells[1:])}</tr>\n'
        for cells in rows
    )
    return (
        f"<table><caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>{lines}</tbody></table>"
    )


def _link(path: str, text: str) -> str:
    return f'<a href="{escape(quote(path))}">{escape(text)}</a>'
