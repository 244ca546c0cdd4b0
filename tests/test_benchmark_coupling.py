"""The coupling benchmark binds, its peers find optima found by trying everything, liars fail it."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from brute_side import best, best_cost
from builders import NOW, patient, policy, practitioner, problem, referral, slot
from random_problems import random_coupled
from sources import PROJECT

from slotengine.domain import Referral
from slotengine.problem import LEVELS, Pin, Plan, Problem
from slotengine.side_constraints import Groups, Spread

if TYPE_CHECKING:
    from benchmarks.coupling_peers import Answer

LIMIT_S = 60.0
"""Far above what any of these takes: no answer here depends on the clock."""

KEYS = {
    "case", "ours_s", "peer", "peer_s", "ratio", "objective", "bound", "proved", "peak_mb",
    "gap_percent",
}  # fmt: skip
PEER_NAMES = ["highs", "highs-levels", "cp-sat", "cp-sat-levels"]


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks are not packaged: they run from the root of a checkout."""
    monkeypatch.syspath_prepend(PROJECT)


def _by_trying(drawn: Problem) -> dict[str, int]:
    totals, _ = best(drawn)
    return dict(zip(LEVELS, totals, strict=True))


@pytest.mark.parametrize("part", range(4))
def test_both_peers_find_the_optimum_of_every_level_found_by_trying_everything(part: int) -> None:
    from benchmarks.coupling_peers import cp_sat, highs

    for seed in range(part, 60, 4):
        drawn = random_coupled(seed)
        wanted = _by_trying(drawn)
        for name, answer in (
            ("highs", highs(drawn, LIMIT_S)),
            ("cp-sat", cp_sat(drawn, LIMIT_S, seed=0)),
        ):
            assert answer.ended
            assert answer.reached is not None
            given_up = {"2"} if name == "highs" and drawn.policy.spread is not None else set()
            wrong = {
                level: (reached, wanted[level])
                for level, reached in answer.reached.items()
                if level not in given_up and reached != wanted[level]
            }
            assert (seed, name, wrong) == (seed, name, {})
            # With a spread level 2 may lie above its optimum, which the peer keeps.
            assert answer.best["2"] == best_cost(drawn)


@pytest.mark.parametrize("name", PEER_NAMES)
def test_weights_that_dominate_reach_what_levels_reach(name: str) -> None:
    from benchmarks.coupling_model import model_of, pairs_of
    from benchmarks.coupling_peers import PEERS

    peer = {peer.name: peer for peer in PEERS}[name]
    for seed in range(100, 110):
        drawn = random_coupled(seed)
        drawn = drawn.replaced(policy=drawn.policy.replaced(spread=None))
        answer = peer.solve(model_of(drawn, pairs_of(drawn)), LIMIT_S)
        wanted = _by_trying(drawn)
        assert answer.ended
        assert answer.best == {level: wanted[level] for level in answer.best}
        assert {"1a", "1b", "1c", "1d", "2"} <= answer.best.keys()


def _siblings(count: int, **changes: Any) -> list[Referral]:
    return [referral(str(at), group="g", **changes) for at in range(count)]


def _chosen(drawn: Problem, *slots: int | None) -> Any:
    """Gives the pairs of a plan: for each referral the number of its slot, None without."""
    from benchmarks.coupling_model import pairs_of

    pairs = pairs_of(drawn)
    wanted = {(row, at) for row, at in enumerate(slots) if at is not None}
    couples = list(zip(pairs.row.tolist(), pairs.slot.tolist(), strict=True))
    assert wanted <= set(couples)
    return pairs.only([couples.index(pair) for pair in sorted(wanted)])  # type: ignore[arg-type]  # a list indexes too


def test_a_broken_cap_is_counted_and_one_on_the_edge_is_not() -> None:
    """Two first visits of 15 minutes weigh 23 each: 46 minutes."""
    from benchmarks.coupling_relaxed import faults, over_caps

    for cap, broken in ((46, 0), (45, 1)):
        drawn = problem(
            practitioners=[practitioner(max_effort_minutes_per_day=cap)],
            slots=[slot("a"), slot("b", after_minutes=300)],
            referrals=[referral("1"), referral("2")],
        )
        chosen = _chosen(drawn, 0, 1)
        assert faults(drawn, chosen) == Counter({"cap": 1} if broken else {})
        assert over_caps(drawn, chosen) == ({"d1"} if broken else set())


@pytest.mark.parametrize(
    ("gap", "slots", "broken"),
    [
        (45, (0, 1), False),
        (44, (0, 1), True),
        (45, (0, None), True),
        (45, (None, None), False),
        (0, (2, 2), False),
    ],
    ids=["on the edge", "too far apart", "one alone", "none seated", "two seats of one slot"],
)
def test_siblings_are_seated_together_or_it_is_counted(
    gap: int, slots: tuple[int | None, ...], *, broken: bool
) -> None:
    """The first slot ends at 135 minutes, the next begins at 180: 45 minutes between."""
    from benchmarks.coupling_relaxed import faults

    drawn = problem(
        policy=policy(groups=Groups(gap_minutes=gap)),
        slots=[
            slot("a"),
            slot("b", after_minutes=180),
            slot("c", after_minutes=600, capacity=2),
        ],
        referrals=_siblings(2),
    )
    assert faults(drawn, _chosen(drawn, *slots)) == Counter({"group": 1} if broken else {})


def test_the_relaxed_plan_is_the_cheapest_and_breaks_what_it_breaks() -> None:
    """One a day is allowed, both referrals fit: the pure assignment gives both a seat."""
    from benchmarks.coupling_model import pairs_of
    from benchmarks.coupling_relaxed import relaxed_of

    drawn = problem(
        practitioners=[practitioner(max_bookings_per_day=1)],
        slots=[slot("a", capacity=2), slot("b", after_minutes=300)],
        referrals=[referral("1"), referral("2")],
        pins=[Pin(referral="p", patient=patient("p").key, slot="b", seat=0)],
    )
    # The pin is the day's one booking: both pairs are refused before anybody is asked.
    assert len(pairs_of(drawn).row) == 0
    free = drawn.replaced(pins=())
    relaxed = relaxed_of(free, pairs_of(free))
    assert relaxed.faults == {"cap": 1}
    assert relaxed.capped_share == 1


def test_a_drawn_territory_repeats_itself_and_holds_what_it_promises() -> None:
    from benchmarks.coupled_territory import coupled_of

    drawn = coupled_of(200)
    assert coupled_of(200).digest == drawn.digest
    assert coupled_of(200, seed=1).digest != drawn.digest
    assert len(drawn.slots) == 300
    assert len(drawn.pins) == 30
    members = Counter(one.group for one in drawn.referrals if one.group is not None)
    assert 9 <= sum(members.values()) <= 10
    assert set(members.values()) <= {2, 3}
    assert sum(one.follows is not None for one in drawn.referrals) == 5
    assert drawn.policy.spread is None
    assert coupled_of(200, spread=True).policy.spread == Spread(give_percent=2)


def test_a_drawn_territory_binds_in_every_way() -> None:
    from benchmarks.coupled_territory import coupled_of
    from benchmarks.coupling_model import pairs_of
    from benchmarks.coupling_relaxed import relaxed_of

    drawn = coupled_of(200)
    relaxed = relaxed_of(drawn, pairs_of(drawn))
    assert relaxed.faults.keys() == {"cap", "group", "pathway", "tour"}
    assert 0.2 < relaxed.capped_share < 0.5


def _main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any]]:
    from benchmarks import coupling

    code = coupling.main(["--json", "--sizes", "40", "--repetitions", "1", *arguments])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_small_run_prints_one_line_a_peer_and_all_reach_the_same_optimum(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, lines = _main(capsys, "--cases", "plain")
    assert code == 0
    assert [line["peer"] for line in lines] == [None, *PEER_NAMES]
    for line in lines:
        assert line.keys() >= KEYS
        assert line["case"] == "40x54 plain"
        assert line["proved"]
        assert line["objective"] == line["bound"]
    whole, *against = lines
    assert whole["violations"] == 0
    assert sum(whole["relaxed"].values()) > 0
    for line in against:
        assert line["same_optimum"] is True
        assert line["ratio"] == line["peer_s"] / line["ours_s"]
        assert line["ratio_is"] == "measured"


def test_a_peer_that_proves_another_optimum_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import coupling
    from benchmarks.coupling_peers import Answer, Peer

    liar = Peer("liar", (), lambda *_: Answer(best={"1a": 0, "1b": 99}, ended=True))
    monkeypatch.setattr(coupling, "PEERS", (liar,))
    code, lines = _main(capsys, "--cases", "plain", "--peers", "liar")
    assert code == 1
    assert lines[-1]["same_optimum"] is False
    assert "the peer proves 99" in lines[-1]["note"]


def test_a_peer_that_breaks_a_rule_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import coupling
    from benchmarks.coupling_peers import Peer, WrongAnswerError

    def breaks(*_: object) -> "Answer":
        raise WrongAnswerError("it breaks cap")

    monkeypatch.setattr(coupling, "PEERS", (Peer("broken", (), breaks),))
    code, lines = _main(capsys, "--cases", "plain", "--peers", "broken")
    assert (code, lines[-1]["note"]) == (1, "it breaks cap")


def test_too_many_pairs_are_no_task_of_a_peer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import coupling

    monkeypatch.setattr(coupling, "MOST_PAIRS", 10)
    code, lines = _main(capsys, "--cases", "plain", "--peers", "highs")
    assert code == 0
    assert (lines[-1]["peer_s"], lines[-1]["same_optimum"]) == (None, None)
    assert lines[-1]["note"].startswith("skipped:")


PROVED = 9


def _plan(objective: list[int], bound: list[int | None], proved: int) -> Plan:
    return Plan(
        territory="giennois",
        as_of=NOW,
        problem_digest="p",
        policy_version=1,
        policy_digest="q",
        travel_name="t",
        seed=0,
        assignments=(),
        unserved=(),
        objective=tuple(objective),
        bound=tuple(bound),
        proved_levels=proved,
        duals=(),
        seconds=0,
    )


@pytest.mark.parametrize(
    ("best", "reached", "why"),
    [
        ({"1d": 4, "2": 70}, {"1d": 4, "2": 70}, ""),
        ({"1d": 5}, None, "level 1d: ours proves 4, the peer proves 5"),
        ({"1d": 4, "2": 69}, {"1d": 4, "2": 69}, "level 2: ours proves 70, the peer proves 69"),
        ({}, {"1d": 3, "2": 90}, "level 1d: ours proves 4, the peer reached 3"),
        ({}, {"1d": 4, "2": 69}, "level 2: ours proves 70, the peer reached 69"),
        ({}, {"1d": 5, "2": 10}, ""),
        ({}, None, ""),
    ],
)
def test_two_proofs_must_agree_and_nobody_passes_one(
    best: dict[str, int], reached: dict[str, int] | None, why: str
) -> None:
    """Ours proves 4 at level 1d and 70 at level 2; what follows a worse level says nothing."""
    from benchmarks.coupling_line import contradiction
    from benchmarks.coupling_peers import Answer

    objective = [0, 0, 0, 0, 4, 70, 0, 0, 1]
    assert contradiction(_plan(objective, [*objective], PROVED), Answer(best, reached)) == why


@pytest.mark.parametrize(
    ("best", "why"),
    [
        (70, ""),
        (68, ""),
        (67, "level 2: ours excludes less than 68, the peer reached 67"),
        (71, "level 2: ours reached 70, the peer proves 71"),
    ],
)
def test_a_gap_leaves_room_for_what_lies_in_it(best: int, why: str) -> None:
    """Ours reached 70 at level 2 and excludes less than 68."""
    from benchmarks.coupling_line import contradiction, gap
    from benchmarks.coupling_peers import Answer

    plan = _plan([0, 0, 0, 0, 4, 70, 0, 0, 1], [0, 0, 0, 0, 4, 68, None, None, None], 5)
    assert contradiction(plan, Answer({"1d": 4, "2": best})) == why
    level, percent = gap(plan)
    assert (level, percent) == ("2", pytest.approx(200 / 70))


def test_a_spread_compares_the_optimum_of_inconvenience_not_what_was_given_up() -> None:
    from benchmarks.coupling_line import contradiction
    from benchmarks.coupling_peers import Answer

    plan = _plan([0, 0, 0, 0, 4, 71, 30, 0, 1], [0, 0, 0, 0, 4, 70, 30, 0, 1], PROVED)
    assert contradiction(plan, Answer({"1d": 4, "2": 70, "3": 30})) == ""
    assert contradiction(plan, Answer({"2": 71})) == "level 2: ours proves 70, the peer proves 71"


def test_memory_of_a_call_is_seen_whatever_library_takes_it() -> None:
    from benchmarks.coupling_line import resident_peak

    _, before = resident_peak(lambda: None)
    given, peak = resident_peak(lambda: len(bytearray(80_000_000)))
    assert given == 80_000_000
    assert peak >= before + 60


@pytest.mark.parametrize(
    "arguments", [("--sizes", "39"), ("--cases", "odd"), ("--peers", "nobody")]
)
def test_what_can_not_be_run_is_refused(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import coupling

    with pytest.raises(SystemExit) as refused:
        coupling.main(list(arguments))
    assert refused.value.code == 2
    assert arguments[0] in capsys.readouterr().err
