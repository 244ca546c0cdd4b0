"""JSON: an array, one object, one object a line; a bad record costs only itself."""

import io
import json
from zoneinfo import ZoneInfo

import pytest
from builders import NOW

from slotengine.adapters import Intake, Kind, New, Rejected, adapter_for, base
from slotengine.adapters.json_texts import elements
from slotengine.adapters.lines import Payload
from slotengine.errors import ReferralFormatError
from slotengine.vault import Pseudonymiser

ADAPTER = adapter_for(
    "nurse",
    territory="giennois",
    zone=ZoneInfo("Europe/Paris"),
    pseudonymiser=Pseudonymiser(bytes(range(32))),
    format="json",
)
ONE, TWO = ({"reference": str(n), "patient_id": f"p{n}", "age": 30 + n} for n in (1, 2))
A, B = json.dumps(ONE), json.dumps(TWO)


def read(payload: bytes | str) -> list[Intake]:
    data = payload if isinstance(payload, bytes) else payload.encode()
    return list(ADAPTER.read(data, now=NOW))


def said(payload: bytes | str) -> list[object]:
    found: list[object] = []
    for number, one in enumerate(read(payload), 1):
        if isinstance(one, New):
            found.append(one.referral.patient.age)
        else:
            assert isinstance(one, Rejected)
            assert one.record == number
            found.append((one.line, one.field, one.kind))
    return found


def refused(payload: bytes | str) -> tuple[str, str, str]:
    with pytest.raises(ReferralFormatError) as caught:
        read(payload)
    return caught.value.adapter, caught.value.field, caught.value.kind


@pytest.mark.parametrize(
    "payload",
    [
        f"[{A},{B}]", f" [\n{A},\n{B}\n]\n", f"{A}\n{B}\n", f"{A}\r\n\r\n{B}",
        json.dumps([ONE, TWO], indent=2),
        f"\ufeff[{A},{B}]", f"\ufeff{A}\n{B}",
    ],
)  # fmt: skip
def test_arrays_and_lines_give_the_same_records(payload: str) -> None:
    assert said(payload) == [31, 32]


@pytest.mark.parametrize("payload", [A, json.dumps(ONE, indent=4), f"\n\n{A}\n", f"[{A}]"])
def test_one_object_is_one_record(payload: str) -> None:
    assert said(payload) == [31]


def test_an_empty_array_has_no_records() -> None:
    assert read("[]") == []
    assert read(" [ ] ") == []


def test_a_broken_line_in_the_middle_costs_only_itself() -> None:
    text = f'{A}\n{{"reference": "x", "age": \nnull\n{B}\n'
    assert said(text) == [
        31,
        (2, "record", Kind.BROKEN_JSON),
        (3, "record", Kind.NOT_AN_OBJECT),
        32,
    ]


def test_a_broken_first_line_costs_only_itself() -> None:
    assert said(f'{{"reference": \n{B}\n') == [(1, "record", Kind.BROKEN_JSON), 32]
    assert said(f"garbage\n{B}\n") == [(1, "record", Kind.BROKEN_JSON), 32]


def test_a_bad_element_of_an_array_costs_only_itself() -> None:
    text = f'[\n{A},\n{{"reference": "x",}},\n17, "two, [words",\n[{A}],\n{B}]'
    assert said(text) == [
        31,
        (3, "record", Kind.BROKEN_JSON),
        (4, "record", Kind.NOT_AN_OBJECT),
        (4, "record", Kind.NOT_AN_OBJECT),
        (5, "record", Kind.NOT_AN_OBJECT),
        32,
    ]


@pytest.mark.parametrize("cut", ["", ",", ', {"reference": "x"', ', {"reference": "x', "] x", "}"])
def test_an_array_that_is_cut_off_keeps_what_came_before(cut: str) -> None:
    assert said(f"[{A}\n{cut}")[0] == 31
    assert said(f"[{A}\n{cut}")[1:] == [(read(f"[{A}\n{cut}")[1].line, "record", Kind.BROKEN_JSON)]  # type: ignore[union-attr]  # a Rejected


def test_brackets_and_quotes_inside_texts_are_text() -> None:
    one = {**ONE, "note": 'a ] } \\" , [ {'}
    assert said(json.dumps([one, TWO])) == [31, 32]


@pytest.mark.parametrize("depth", [1, base.MAX_JSON_DEPTH - 1])
def test_nesting_up_to_the_limit_is_allowed(depth: int) -> None:
    deep = '{"reference":"1","patient_id":"p1","age":31,"x":' + "[" * depth + "]" * depth + "}"
    assert said(f"[{deep},{B}]") == [31, 32]


@pytest.mark.parametrize("depth", [base.MAX_JSON_DEPTH, 10_000])
def test_nesting_beyond_the_limit_is_refused(depth: int) -> None:
    deep = '{"reference":"1","x":' + "[" * depth + "]" * depth + "}"
    assert said(f"[{deep},{B}]") == [(1, "record", Kind.TOO_DEEP), 32]
    assert said(f"{deep}\n{B}") == [(1, "record", Kind.TOO_DEEP), 32]


def test_a_field_given_twice_is_refused_and_an_unknown_one_ignored() -> None:
    twice = '{"reference":"1","patient_id":"a","age":3,"age":4}'
    both = '{"reference":"1","patient_id":"a","lat":3,"latitude":4,"lon":2}'
    other = '{"reference":"1","patient_id":"p1","x":3,"x":4,"age":31}'
    assert said(f"[{twice},{both},{other}]") == [
        (1, "age", Kind.DUPLICATE_FIELD),
        (1, "lat", Kind.DUPLICATE_FIELD),
        31,
    ]


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "1" * 5000])
def test_what_json_does_not_know_is_broken(bad: str) -> None:
    assert said(f'[{{"reference":"1","age":{bad}}},{B}]') == [(1, "record", Kind.BROKEN_JSON), 32]


def test_more_members_than_the_limit_are_refused() -> None:
    wide = {**ONE, **{f"x{n}": n for n in range(base.MAX_COLUMNS - 3)}}
    assert said(json.dumps([wide, {**wide, "one_more": 1}])) == [31, (1, "record", Kind.TOO_MANY)]


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ("", "empty"), ("\n \n", "empty"), ("\ufeff", "empty"),
        ("nothing", "not_json"), ("17", "not_json"),
        ('{"reference": "1"', "broken_json"), ('{\n"reference": "1",\n}', "broken_json"),
        ('{\n"x": ' + "[" * 20 + "]" * 20 + "\n}", "too_deep"),
    ],
)  # fmt: skip
def test_a_payload_that_is_unreadable_as_a_whole_is_refused(payload: str, kind: str) -> None:
    assert refused(payload) == ("nurse/json", "payload", kind)


def test_an_array_of_the_largest_size_is_allowed_and_a_larger_one_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from slotengine.adapters import json_records, json_texts

    text = f"[{A},{B}]"
    monkeypatch.setattr(json_texts, "MAX_DOCUMENT_BYTES", len(text))
    assert said(text) == [31, 32]
    assert refused(text + " ") == ("nurse/json", "payload", "too_large")
    monkeypatch.setattr(json_records, "MAX_RECORDS", 1)
    assert said(text) == [31, (1, "payload", Kind.TOO_LARGE)]


def test_many_unclosed_quotes_are_read_once() -> None:
    # Read again from each quote, these two million signs would take hours.
    assert said("[" + A + ', {"' + '\\"' * 1_000_000)[1:] == [(1, "record", Kind.BROKEN_JSON)]


def long_object(size: int, reference: str = "1") -> str:
    """Gives one object on one line of so many bytes."""
    start = f'{{"reference":"{reference}","patient_id":"p","age":30,"note":"'
    return start + "x" * (size - len(start) - 2) + '"}'


NEAR = [base.MAX_LINE_BYTES + extra for extra in (-6, -5, -4, -2, -1, 0, 1, 2, 7)]


@pytest.mark.parametrize("size", [*NEAR, 3 * base.MAX_LINE_BYTES])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_one_object_on_one_line_may_be_longer_than_a_line(size: int, end: str, mark: str) -> None:
    assert said(mark + long_object(size) + end) == [30]


@pytest.mark.parametrize("size", [base.MAX_LINE_BYTES + 1, 3 * base.MAX_LINE_BYTES])
def test_a_first_line_that_is_too_long_costs_only_itself(size: int) -> None:
    others = '{"reference":"2","patient_id":"q","age":40}\n' * 2
    assert said(long_object(size) + "\n" + others) == [(1, "record", Kind.TOO_LONG), 40, 40]


def test_one_long_object_that_is_cut_off_is_refused() -> None:
    cut = long_object(2 * base.MAX_LINE_BYTES)[:-1]
    assert refused(cut) == ("nurse/json", "payload", "broken_json")
    assert refused(cut + "\n") == ("nurse/json", "payload", "broken_json")


def test_a_format_with_longer_lines_has_them_from_the_first_one() -> None:
    limit = 4 * base.MAX_LINE_BYTES
    texts = [long_object(3 * base.MAX_LINE_BYTES, str(n)) for n in range(3)]
    payload = Payload("\n".join(texts).encode())
    found = [
        (line, str(text).strip()) for line, text in elements(payload, "x", max_line_bytes=limit)
    ]
    assert found == list(enumerate(texts, 1))


def test_what_was_rejected_is_put_together_one_record_a_line() -> None:
    payload = '[{"reference":\r\n"1",\r"patient_id":\n"p","age":-1},\n{"reference":"2"}]'
    opened = ADAPTER.opened(payload.encode())
    parts = list(opened.parts(now=NOW))
    assert [type(part.intake) for part in parts] == [Rejected, Rejected]
    written = opened.joined(part.raw for part in parts)
    assert written == b'{"reference": "1", "patient_id": "p","age":-1}\n{"reference":"2"}\n'
    assert said(written) == [
        (1, "age", Kind.OUT_OF_RANGE),
        (2, "patient_id", Kind.MISSING),
    ]


def test_a_file_is_read_as_bytes_are() -> None:
    text = f"{A}\n{B}\n".encode()
    assert list(ADAPTER.read(io.BytesIO(text), now=NOW)) == read(text)
