"""The page on the counter: fields, true defaults, sentences word by word, sums that hold."""

import re
from datetime import timedelta

import pytest
from docs_support.blocks import blocks, read_page
from docs_support.fields import example, example_sets, fields, rows_of_fields
from sources import PROJECT

from slotengine import counter_rules
from slotengine.codes import Priority
from slotengine.counter_rules import Commune, Handback, PromiseRules, Reserve
from slotengine.policy import Policy, SeatValues
from slotengine.reasons import SENTENCES, ReasonCode

PAGE = "docs/counter.md"
OF_SEVERAL = ("forecast", "pricing", "reserve", "offering", "promises", "refill", "handback")
"""Fields of the Policy that are tables of their own, a row of the page for each of their fields."""

WHOLE = ("hold_for", "values", "communes")
"""Fields of the Policy that the page explains in one row each."""

DEFAULTS = Policy(territory="giennois")

SPANS = (("days", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))


FIELDS = fields(DEFAULTS, WHOLE, OF_SEVERAL)
FIELD_ROWS = rows_of_fields(read_page(PAGE).split("## The fields")[1])
REASON_ROWS = re.findall(
    r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$",
    read_page(PAGE).split("## The fields")[0],
    re.MULTILINE,
)


def said(value: object) -> str:
    if isinstance(value, timedelta):
        unit, span = next((name, span) for name, span in SPANS if not value % span)
        return f"{value // span} {unit}"
    if isinstance(value, SeatValues):
        return ", ".join(str(value.of(priority)) for priority in Priority)
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value == () else str(value)


def test_every_rule_of_the_counter_is_listed_here() -> None:
    own = [value for value in vars(counter_rules).values() if isinstance(value, type)]
    models = {one for one in own if one.__module__ == counter_rules.__name__}
    assert models == {type(getattr(DEFAULTS, name)) for name in OF_SEVERAL} | {Commune}


@pytest.mark.parametrize(("field", "default"), FIELDS.items(), ids=lambda value: str(value)[:30])
def test_a_field_stands_in_the_table_with_its_default(field: str, default: object) -> None:
    assert FIELD_ROWS[field] == said(default)


def test_no_row_is_about_a_field_that_does_not_exist() -> None:
    assert FIELD_ROWS.keys() == FIELDS.keys()


@pytest.mark.parametrize("field", FIELDS)
def test_the_example_sets_every_field(field: str) -> None:
    assert example_sets(PAGE, field)


def test_the_example_says_what_it_means() -> None:
    read = Policy.from_toml(example(PAGE))
    assert read.promises == PromiseRules(priorities=(Priority.ROUTINE,), notice=timedelta(hours=1))
    assert read.handback == Handback(before=timedelta(minutes=45))
    assert [(one.insee, one.inhabitants) for one in read.communes] == [("45155", 13_600)]
    assert read.values.of(Priority.ROUTINE) == 8_000
    same = ("forecast", "pricing", "reserve", "offering", "refill", "hold_for")
    assert [getattr(read, name) for name in same] == [getattr(DEFAULTS, name) for name in same]


@pytest.mark.parametrize(("code", "sentence", "phrase"), REASON_ROWS)
def test_a_reason_stands_there_word_by_word(code: str, sentence: str, phrase: str) -> None:
    assert SENTENCES[ReasonCode(code)] == (phrase, sentence)


def test_every_reason_of_a_price_stands_there() -> None:
    of_prices = {one for one in ReasonCode if one.startswith("price")}
    listed = {ReasonCode(code) for code, _, _ in REASON_ROWS}
    assert listed == of_prices | {ReasonCode.NO_FORECAST, ReasonCode.FLOOR, ReasonCode.KEPT}


def test_the_shares_that_are_left_alone_are_those_of_the_reserve() -> None:
    page = read_page(PAGE)
    assert "routine leaves 30 % alone, urgent 15 %, asap 5 %" in " ".join(page.split())
    kept = [Reserve().kept_from(priority) for priority in Priority]
    assert kept == pytest.approx([0, 0.05, 0.15, 0.30])


def test_the_lines_of_the_offers_add_up() -> None:
    shown = [one.output or "" for one in blocks(PAGE) if one.language == "python"]
    lines = re.findall(r": (\d+) - (\d+) - (\d+) = (\d+)", "\n".join(shown))
    assert len(lines) == 6
    for value, cost, price, score in lines:
        assert int(value) - int(cost) - int(price) == int(score) >= 0
    (_, cost, price, _), (_, next_cost, next_price, _) = lines[3:5]
    more, others_more = int(next_cost) - int(cost), int(next_price) - int(price)
    assert f"{more} more than the first and others {others_more} more" in " ".join(
        read_page(PAGE).split()
    )


def test_every_event_that_is_named_is_written_somewhere() -> None:
    named = set(
        re.findall(r"`((?:promise|incident|waitlist|booking|slot)\.[a-z_]+)`", read_page(PAGE))
    )
    code = "".join(
        file.read_text(encoding="utf-8") for file in (PROJECT / "slotengine").glob("*.py")
    )
    assert len(named) >= 5
    assert [kind for kind in sorted(named) if f'"{kind}"' not in code] == []
