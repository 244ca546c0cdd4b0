import string

import pytest

from slotengine.labels import Lang
from slotengine.reasons import RULE, SENTENCES, Reason, ReasonCode, Rule

FIGURES: dict[str, dict[str, int | str]] = {
    "seats_taken": {"seats": 3},
    "prices_stale": {"hours": 5},
    "floor": {"days": 7, "percent": 60},
    "promised": {
        "before_fr": "avant 18 h 30 demain",
        "before_en": "before 18:30 tomorrow",
        "km": 15,
        "notice": 60,
    },
    "handed_back_price": {"price": 300, "own": 500},
    "out_of_hours": {
        "service_fr": "la permanence des soins",
        "service_en": "the out-of-hours service",
        "phone": "116117",
    },
}
"""What each sentence with figures must be given; the others are given none."""


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_has_both_sentences_and_they_take_their_figures(code: ReasonCode) -> None:
    reason = Reason(code=code, figures=FIGURES.get(code.value, {}))
    french, english = reason.text(), reason.text(Lang.EN)
    for sentence in (french, english):
        assert sentence.endswith(".")
        assert "{" not in sentence
        assert sentence[0].isupper()
    assert french != english


@pytest.mark.parametrize("code", ReasonCode)
def test_both_sentences_ask_for_the_same_figures(code: ReasonCode) -> None:
    french, english = SENTENCES[code]
    assert _fields(french) == _fields(english)


def test_no_sentence_is_without_a_code() -> None:
    assert set(SENTENCES) == set(ReasonCode)


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_is_a_reason_of_the_same_name(rule: Rule) -> None:
    assert ReasonCode(rule.value).value == rule.value
    assert ReasonCode[rule.name].name == rule.name


def test_rules_and_reasons_come_in_the_same_order() -> None:
    values = [code.value for code in ReasonCode if code.value in {*Rule}]
    assert values == [rule.value for rule in Rule]


def test_side_rules_are_asked_after_what_they_need_and_what_is_kept_last() -> None:
    """The order of docs/rules.md: what is booked for patient and group, then what a mode needs."""
    order = [rule.value for rule in Rule]
    assert order[10:13] == ["patient_busy", "pathway", "group"]
    assert order[-4:] == ["reach", "tour", "cap", "kept"]


def test_no_two_rules_have_the_same_words() -> None:
    for language in range(2):
        assert len({words[language] for words in RULE.values()}) == len(Rule)
        assert len({words[language] for words in SENTENCES.values()}) == len(SENTENCES)


def test_figures_may_differ_by_language() -> None:
    reason = Reason(code=ReasonCode.OUT_OF_HOURS, figures=FIGURES["out_of_hours"])
    assert reason.text(Lang.FR) == (
        "Le territoire est fermé à cette heure : la permanence des soins répond au 116117, "
        "ou le 15."
    )
    assert reason.text(Lang.EN) == (
        "The territory is closed at this hour: the out-of-hours service answers on 116117, "
        "or call 15."
    )


def test_a_promise_says_before_when_how_far_and_how_long_ahead() -> None:
    promised = Reason(code=ReasonCode.PROMISED, figures=FIGURES["promised"])
    assert promised.text(Lang.FR) == (
        "Place promise avant 18 h 30 demain, à moins de 15 km ; heure annoncée 60 min avant."
    )
    assert promised.text(Lang.EN) == (
        "Seat promised before 18:30 tomorrow, within 15 km; the hour is told 60 min ahead."
    )


@pytest.mark.parametrize("code", [code for code in ReasonCode if code.name.startswith("PRICES")])
def test_whatever_is_amiss_with_prices_a_plain_reserve_stands_in(code: ReasonCode) -> None:
    assert "réserve simple" in SENTENCES[code][0]
    assert "plain reserve" in SENTENCES[code][1]


@pytest.mark.parametrize("code", [code for code in ReasonCode if "red_flag" in code.value])
def test_every_red_flag_says_to_call_15(code: ReasonCode) -> None:
    assert Reason(code=code).text(Lang.FR).startswith("Appelez le 15")
    assert Reason(code=code).text(Lang.EN).startswith("Call 15")


def test_requesters_read_nothing_but_that_no_seat_fits() -> None:
    assert SENTENCES[ReasonCode.NO_FREE_SEAT] == (
        "Aucune place libre ne convient.",
        "No free seat fits.",
    )
