"""``slotengine agenda``: files taken over, refused, and taken over again."""

from pathlib import Path

from shell import MORNING, Shell

PAYLOADS = Path(__file__).parent / "payloads" / "agendas"
WHERE = ("--territory", "pays-de-la-chatre", "--now", MORNING)
HEADER = "date;début;rpps;insee"


def rows(shell: Shell, *hours: str) -> str:
    file = shell.folder / "agenda.csv"
    lines = [f"26/11/2026;{hour};10000000001;36046" for hour in hours]
    file.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    return str(file)


def test_an_agenda_is_taken_over_and_again_changes_nothing(loaded: Shell) -> None:
    said = ("--name", "cabinet", *WHERE)
    first = loaded.json("agenda", rows(loaded, "9h", "10h"), *said)
    assert (first["created"], first["described"]) == (2, 2)
    again = loaded.json("agenda", rows(loaded, "9h", "10h"), *said)
    assert (again["created"], again["changed"], again["same"]) == (0, 0, 2)


def test_an_agenda_that_lost_its_slots_is_refused_until_somebody_says_so(loaded: Shell) -> None:
    many = [f"{hour}h" for hour in range(8, 18)]
    loaded.json("agenda", rows(loaded, *many), *WHERE)
    refused = loaded.run("agenda", rows(loaded, "8h"), *WHERE)
    assert (refused.returncode, "--allow-withdrawals" in refused.stdout) == (3, True)
    done = loaded.json("agenda", rows(loaded, "8h"), *WHERE, "--allow-withdrawals")
    assert len(done["withdrawn"]) == 9


def test_a_bad_record_is_named_and_the_others_go_on(loaded: Shell) -> None:
    done = loaded.run("agenda", rows(loaded, "9h", "25h"), *WHERE)
    assert done.returncode == 7
    assert "3 : start : date ou heure impossible" in done.stdout


def test_a_calendar_and_a_directory_are_told_by_their_content(loaded: Shell) -> None:
    directory = str(PAYLOADS / "annuaire.txt")
    done = loaded.run("agenda", directory, *WHERE, "--commune", "36046", "--commune", "44114")
    assert done.returncode == 7, done.stderr
    calendar = str(PAYLOADS / "cabinet.ics")
    whose = ("--practitioner", "10000000001", "--site", "360000001", "--minutes", "20")
    report = loaded.json("agenda", calendar, *WHERE, *whose)
    # Three on 30 November, one on 7 December, three on 21 December: 28 days from the morning.
    assert report["created"] == 7


def test_what_can_not_be_read_at_all_is_one_sentence(loaded: Shell) -> None:
    empty = loaded.folder / "empty.csv"
    empty.write_text("\n", encoding="utf-8")
    done = loaded.run("agenda", str(empty), *WHERE)
    assert (done.returncode, done.stdout) == (3, "")
    wrong = loaded.run("agenda", rows(loaded, "9h"), *WHERE, "--title", "(")
    assert wrong.returncode == 3
