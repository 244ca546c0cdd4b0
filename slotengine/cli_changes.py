"""What would give a referral a seat, and where one more seat brings most: for coordinators."""

from rich.table import Table

from slotengine import cli_show
from slotengine.cli_options import Session
from slotengine.explanations import ChangeSearch, Explanation, SeatValue
from slotengine.labels import PROFESSION, half_day, word
from slotengine.policy import Policy
from slotengine.solver.sentences import gain_parts, search_lines, value_text


def explanation(session: Session, found: Explanation, search: ChangeSearch, policy: Policy) -> None:
    """Shows why, and the smallest change that would have served."""
    lines = search_lines(policy, search, session.lang)
    if session.json:
        document = cli_show.explanation_document(session, found)
        document["change"] = search.model_dump(mode="json")
        document["change_sentences"] = list(lines)
        session.emit(document)
        return
    cli_show.explanation(session, found)
    for line in lines:
        session.out.print(line)


def seats(session: Session, found: tuple[SeatValue, ...], policy: Policy) -> None:
    """Shows what one more seat would bring, best first."""
    if session.json:
        session.emit(
            {
                "territory": policy.territory,
                "seats": [
                    one.model_dump(mode="json")
                    | {"sentence": value_text(policy, one, session.lang)}
                    for one in found
                ],
            }
        )
        return
    if not found:
        words = (
            "Aucune place de plus n'améliorerait le plan.",
            "No seat more would make the plan better.",
        )
        session.out.print(word(words, session.lang))
        return
    table = Table(
        session.say("une place de plus", "one more seat"),
        session.say("avec", "with"),
        session.say("où", "where"),
        session.say("effet vérifié", "verified effect"),
    )
    for one in found:
        table.add_row(
            half_day(one.seat.day, session.lang, afternoon=one.seat.afternoon),
            word(PROFESSION[one.seat.profession], session.lang),
            one.seat.place,
            "\n".join(gain_parts(policy, one, session.lang)),
        )
    session.out.print(table)
