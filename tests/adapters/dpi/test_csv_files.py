"""Which files are taken, how old they are, and where they go afterwards."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reminders.errors import FeedRefused, RepairNeeded, SourceUnavailable
from reminders.ports import Feed
from tests.adapters.dpi.csv_export import NOW, Folder, cells, export


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


ONE = export(cells())
TWO = export(cells(), cells(NUM_RDV="R2"))
MISREAD = cells(DATE_RDV="10/05/2026", HEURE_RDV="25h")
TODAY = "2026-10-13"  # in Paris


def names(folder: Folder, **options: Any) -> list[str]:
    return [feed.info.name for feed in folder.feeds(**options)]


def only(folder: Folder, **options: Any) -> Feed:
    (feed,) = folder.feeds(**options)
    return feed


def read(feed: Feed) -> Feed:
    list(feed.rows())
    return feed


# --- which -----------------------------------------------------------------------------------


def test_an_empty_folder_has_nothing_to_read(folder: Folder) -> None:
    folder.path.mkdir()
    assert names(folder) == []


def test_a_missing_folder_is_told_with_what_to_check(folder: Folder) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        folder.feeds()
    assert raised.value.code == "folder"
    assert "path" in raised.value.sentence
    assert str(folder.base) not in raised.value.sentence


@pytest.mark.parametrize(
    "name",
    ["agenda.csv.tmp", "agenda.tmp", ".agenda.csv", "agenda.csv.part", "agenda.csv.filepart",
     "agenda.txt", "agenda.csv~"],
)  # fmt: skip
def test_what_is_not_finished_or_not_asked_for_is_left_alone(folder: Folder, name: str) -> None:
    folder.drop(ONE, name)
    assert names(folder) == []
    assert names(folder, path="export/*") == (["agenda.txt"] if name == "agenda.txt" else [])
    assert folder.files() == [name]


def test_upper_and_lower_case_are_one(folder: Folder) -> None:
    folder.drop(ONE, "AGENDA.CSV")
    assert names(folder) == ["AGENDA.CSV"]


def test_a_folder_named_like_a_file_is_not_read(folder: Folder) -> None:
    (folder.path / "agenda.csv").mkdir(parents=True)
    assert names(folder) == []


def test_a_file_that_is_renamed_into_place_is_taken_then(folder: Folder) -> None:
    file = folder.drop(ONE, "agenda.csv.tmp")
    assert names(folder) == []
    file.rename(folder.path / "agenda.csv")
    assert names(folder) == ["agenda.csv"]


@pytest.mark.parametrize("marker", ["agenda.csv.ok", "agenda.ok"])
def test_with_a_marker_a_file_waits_for_it_and_both_leave(folder: Folder, marker: str) -> None:
    folder.drop(ONE)
    assert names(folder, marker=".ok") == []
    folder.drop("", marker)
    read(only(folder, marker=".ok", path="export/agenda*")).accept()
    assert folder.files() == [f"archive/{TODAY}/agenda.csv"]
    assert folder.slept == []


def test_a_young_file_is_looked_at_twice(folder: Folder) -> None:
    folder.drop(ONE, age=timedelta(seconds=1))
    assert names(folder, settle_seconds=2) == ["agenda.csv"]
    assert folder.slept == [2.0]


def test_a_file_that_grows_meanwhile_is_left_for_the_next_pass(folder: Folder) -> None:
    file = folder.drop(ONE[:-40], age=timedelta(seconds=1))

    def grow() -> None:
        file.write_text(ONE, encoding="utf-8")

    folder.while_asleep = grow
    assert names(folder) == []
    folder.while_asleep = lambda: None
    assert names(folder) == ["agenda.csv"]


def test_an_old_file_needs_no_second_look(folder: Folder) -> None:
    folder.drop(ONE)
    assert names(folder) == ["agenda.csv"]
    assert folder.slept == []


def test_a_file_that_changes_while_it_is_read_is_not_believed(folder: Folder) -> None:
    file = folder.drop(ONE)
    feed = only(folder)
    file.write_text(TWO, encoding="utf-8")
    with pytest.raises(SourceUnavailable) as raised:
        list(feed.rows())
    assert raised.value.code == "changing"
    feed.reject(["changing"])
    feed.accept()
    assert folder.files() == ["agenda.csv"]  # what was never read is not put away
    assert len(list(only(folder).rows())) == 2


# --- how old ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "as_of"),
    [
        ("agenda_20261013_0530.csv", datetime(2026, 10, 13, 3, 30, tzinfo=UTC)),
        ("agenda_20261013053000.csv", datetime(2026, 10, 13, 3, 30, tzinfo=UTC)),
        ("20261013-053000_agenda.csv", datetime(2026, 10, 13, 3, 30, tzinfo=UTC)),
        ("agenda-2026-10-13T05-30-00.csv", datetime(2026, 10, 13, 3, 30, tzinfo=UTC)),
        ("agenda 2026-10-13 05h30.csv", datetime(2026, 10, 13, 3, 30, tzinfo=UTC)),
        ("agenda_20261013T033000Z.csv", datetime(2026, 10, 13, 3, 30, tzinfo=UTC)),
        ("agenda_13-10-2026_05h30.csv", datetime(2026, 10, 13, 3, 30, tzinfo=UTC)),
        ("agenda_13102026_0530.csv", datetime(2026, 10, 13, 3, 30, tzinfo=UTC)),
        # the day alone: the file's own time if it was written that day
        ("agenda_20261013.csv", NOW - timedelta(hours=1)),
        ("agenda_13.10.2026.csv", NOW - timedelta(hours=1)),
        # ... and midnight if it was written on another
        ("agenda_20261012.csv", datetime(2026, 10, 11, 22, tzinfo=UTC)),
        # no date, no single date, or none that exists: the file's own time
        ("agenda.csv", NOW - timedelta(hours=1)),
        ("agenda_4220.csv", NOW - timedelta(hours=1)),
        ("agenda_20261001_20261231.csv", NOW - timedelta(hours=1)),
        ("agenda_20261399.csv", NOW - timedelta(hours=1)),
        ("agenda_202610130.csv", NOW - timedelta(hours=1)),
    ],
)
def test_a_file_is_as_old_as_its_name_says(folder: Folder, name: str, as_of: datetime) -> None:
    folder.drop(ONE, name)
    assert only(folder).info.as_of == as_of


def test_a_site_may_trust_the_files_own_time(folder: Folder) -> None:
    folder.drop(ONE, "agenda_20261014.csv")  # the day its appointments are for
    assert only(folder, dated_by="file").info.as_of == NOW - timedelta(hours=1)


def test_a_name_from_the_future_is_refused(folder: Folder) -> None:
    folder.drop(ONE, "agenda_20991231_0530.csv")
    feed = only(folder)
    assert feed.info.as_of <= NOW
    with pytest.raises(FeedRefused) as raised:
        list(feed.rows())
    assert raised.value.code == "future"
    assert "dated_by" in raised.value.sentence


def test_a_clock_a_little_ahead_is_forgiven(folder: Folder) -> None:
    folder.drop(ONE, age=-timedelta(minutes=5))
    assert only(folder).info.as_of == NOW
    assert len(list(only(folder).rows())) == 1


# --- snapshots and deltas --------------------------------------------------------------------


def test_of_snapshots_the_newest_is_read_and_the_others_leave_with_it(folder: Folder) -> None:
    for day in (11, 12, 13):
        folder.drop(ONE, f"agenda_202610{day}_0530.csv")
    feed = only(folder)
    assert (feed.info.name, feed.info.mode) == ("agenda_20261013_0530.csv", "snapshot")
    assert len(folder.files()) == 3
    read(feed).accept()
    assert folder.files() == [
        f"archive/{TODAY}/agenda_202610{day}_0530.csv" for day in (11, 12, 13)
    ]


def test_a_refused_snapshot_leaves_alone_those_before_it(folder: Folder) -> None:
    folder.drop(ONE, "agenda_20261012_0530.csv")
    folder.drop(ONE[:-60], "agenda_20261013_0530.csv")
    only(folder).reject(["incomplet"])
    assert names(folder) == ["agenda_20261012_0530.csv"]


def test_deltas_are_all_read_oldest_first_by_name_then_by_time(folder: Folder) -> None:
    folder.drop(ONE, "maj_20261013_0700.csv", age=timedelta(hours=9))
    folder.drop(ONE, "maj_20261013_0600.csv", age=timedelta(hours=1))
    folder.drop(ONE, "maj_urgence.csv", age=timedelta(hours=4))
    feeds = folder.feeds(mode="delta")
    assert [feed.info.name for feed in feeds] == [
        "maj_urgence.csv",
        "maj_20261013_0600.csv",
        "maj_20261013_0700.csv",
    ]
    assert {feed.info.mode for feed in feeds} == {"delta"}


def hashes(folder: Folder, *dropped: tuple[str, str], **options: Any) -> list[str]:
    found = []
    for hours, (content, name) in enumerate(dropped, 1):
        file = folder.drop(content, name, age=timedelta(hours=hours))
        found.append(only(folder, **options).info.content_hash)
        file.unlink()
    return found


def test_the_same_content_is_the_same_input_unless_its_name_tells_another_time(
    folder: Folder,
) -> None:
    """An export that did not change over a weekend still shows that the DPI speaks."""
    first, copy, other = hashes(folder, (ONE, "a.csv"), (ONE, "b.csv"), (TWO, "a.csv"))
    assert first == copy != other
    stamped, same, later = hashes(
        folder,
        (ONE, "a_20261013_0600.csv"),
        (ONE, "a_20261013T060000.csv"),
        (ONE, "a_20261013_0700.csv"),
    )
    assert stamped == same != later


def test_a_delta_that_says_the_same_again_is_another_input(folder: Folder) -> None:
    """Cancelled, booked again, cancelled again: the third file may be the first one's twin."""
    first, again = hashes(folder, (ONE, "maj.csv"), (ONE, "maj.csv"), mode="delta")
    assert first != again
    folder.drop(ONE, "maj.csv")
    assert only(folder, mode="delta").info == only(folder, mode="delta").info


def test_two_exports_in_one_folder_are_a_mistake_of_the_configuration(folder: Folder) -> None:
    folder.drop(ONE, "agenda_nord_20261013_0530.csv")
    folder.drop(TWO, "agenda_sud_20261013_0531.csv")
    feed = only(folder)
    with pytest.raises(FeedRefused) as raised:
        list(feed.rows())
    assert raised.value.code == "several_exports"
    assert "[[dpi]]" in raised.value.sentence
    feed.reject([raised.value.sentence])
    assert len(folder.files()) == 2


@pytest.mark.parametrize(
    "others",
    [
        ("agenda_20261012_0530.csv", "agenda_20261012T053000Z.csv", "AGENDA-2026-10-12-05h30.csv"),
        ("agenda.csv", "agenda (2).csv", "agenda_2.csv"),
    ],
)
def test_one_export_may_be_dated_in_several_ways(folder: Folder, others: tuple[str, ...]) -> None:
    for name in others:
        folder.drop(ONE, name, age=timedelta(hours=30))
    folder.drop(TWO, "agenda_20261013_0530.csv")
    assert len(list(only(folder).rows())) == 2


# --- afterwards ------------------------------------------------------------------------------


def test_nothing_moves_until_the_caller_says_so(folder: Folder) -> None:
    folder.drop(ONE)
    read(only(folder))
    assert folder.files() == ["agenda.csv"]


def test_a_good_file_is_archived_by_day_without_a_report(folder: Folder) -> None:
    file = folder.drop(ONE)
    content = file.read_bytes()
    read(only(folder)).accept()
    assert folder.files() == [f"archive/{TODAY}/agenda.csv"]
    assert (folder.path / "archive" / TODAY / "agenda.csv").read_bytes() == content


def test_two_files_of_one_name_are_both_kept(folder: Folder) -> None:
    for content in (ONE, TWO, ONE):
        folder.drop(content)
        read(only(folder)).accept()
    assert folder.files() == [
        f"archive/{TODAY}/agenda-2.csv",
        f"archive/{TODAY}/agenda-3.csv",
        f"archive/{TODAY}/agenda.csv",
    ]


def report(folder: Folder, name: str) -> list[str]:
    return (folder.path / name).read_text(encoding="utf-8-sig").splitlines()


def test_an_accepted_file_with_bad_lines_has_a_report_beside_it(folder: Folder) -> None:
    folder.drop(export(cells(), cells(NUM_RDV="R2", HEURE_RDV="25h"), cells(NUM_RDV="")))
    read(only(folder)).accept()
    assert report(folder, f"archive/{TODAY}/agenda.csv.rapport.txt") == [
        "agenda.csv",
        "Fichier appliqué.",
        "2 lignes écartées, les autres sont bonnes :",
        "ligne 3, colonne HEURE_RDV : heure illisible : écrire 9h30 ou 09:30",
        "ligne 4, colonne NUM_RDV : numéro de rendez-vous vide : à renseigner",
    ]


def test_a_refused_file_is_set_aside_with_its_reasons(folder: Folder) -> None:
    folder.drop(export(MISREAD, cells(NUM_RDV="R2", DATE_RDV="10/14/2026")))
    feed = only(folder)
    with pytest.raises(FeedRefused) as raised:
        list(feed.rows())
    feed.reject([raised.value.sentence, "2: heure illisible", "3: date"])
    assert folder.files() == [
        f"quarantaine/{TODAY}/agenda.csv",
        f"quarantaine/{TODAY}/agenda.csv.rapport.txt",
    ]
    told = report(folder, f"quarantaine/{TODAY}/agenda.csv.rapport.txt")
    assert told[1] == "Fichier refusé : rien n'est appliqué."
    assert "Exporter en jour/mois/année" in told[2]
    assert [text.partition(" :")[0] for text in told[4:]] == [
        "ligne 2, colonne HEURE_RDV",
        "ligne 3, colonne DATE_RDV",
    ]


def test_a_feed_refused_before_it_was_read_has_the_callers_reasons(folder: Folder) -> None:
    folder.drop(ONE)
    only(folder).reject(["Trop ancien.", "2: essai"])
    told = report(folder, f"quarantaine/{TODAY}/agenda.csv.rapport.txt")
    assert told[-2:] == ["Trop ancien.", "2: essai"]


def test_a_report_names_no_patient(folder: Folder) -> None:
    secrets = {"NOM_NAISSANCE": "SECRET", "PRENOM": "CANARI", "TEL_PORTABLE": "06 39 98 99 99"}
    bad = [
        cells(**secrets, **{column: "CANARI SECRET 06 39 98 99 99"})
        for column in ("DATE_RDV", "HEURE_RDV", "DATE_NAISSANCE")
    ]
    bad += [cells(**secrets, NUM_RDV=""), cells(**secrets, IPP="1E+12")]
    folder.drop(export(*bad) + '"CANARI SECRET";"06 39 98 99 99"\r\n')
    read(only(folder)).accept()
    told = "\n".join(report(folder, f"archive/{TODAY}/agenda.csv.rapport.txt"))
    assert "6 lignes écartées" in told
    for secret in ("SECRET", "CANARI", "99 99", "1234"):
        assert secret not in told


def test_a_long_report_ends_with_how_many_more(folder: Folder) -> None:
    folder.drop(export(*(cells(NUM_RDV=f"R{n}", HEURE_RDV="25h") for n in range(1_003))))
    read(only(folder)).accept()
    told = report(folder, f"archive/{TODAY}/agenda.csv.rapport.txt")
    assert len(told) == 1_004
    assert told[-1] == "… et 3 autres."


def test_the_report_says_what_an_administrator_should_know(folder: Folder) -> None:
    row = cells(STATUT="Vu par IDE")
    del row["NUM_RDV"]
    folder.drop(export(row, row | {"HEURE_RDV": "10h"}))
    read(only(folder)).accept()
    told = "\n".join(report(folder, f"archive/{TODAY}/agenda.csv.rapport.txt"))
    assert "NUM_RDV" in told
    assert "supprimé puis recréé" in told
    assert told.endswith("statuses : « Vu par IDE » (2).")


def test_a_file_another_process_took_is_no_error(folder: Folder) -> None:
    file = folder.drop(ONE)
    feed = read(only(folder))
    file.unlink()
    feed.accept()
    feed.reject(["trop tard"])
    assert folder.files() == []


def test_a_file_another_process_took_before_it_was_opened_is_no_feed(folder: Folder) -> None:
    folder.drop(ONE, "maj_1.csv", age=timedelta(hours=3))
    second = folder.drop(TWO, "maj_2.csv", age=timedelta(hours=2))
    feeds = folder.source(mode="delta").feeds(now=NOW, since=None)
    next(feeds)
    second.unlink()
    assert list(feeds) == []


def test_a_file_another_process_took_before_it_was_read_is_told(folder: Folder) -> None:
    file = folder.drop(ONE)
    feed = only(folder)
    file.unlink()
    with pytest.raises(SourceUnavailable) as raised:
        list(feed.rows())
    assert raised.value.code == "changing"


@pytest.fixture
def locked(folder: Folder) -> Iterator[Folder]:
    folder.drop(ONE)
    (folder.path / "archive").write_text("")  # where a folder should be
    yield folder
    folder.path.chmod(stat.S_IRWXU)


def test_a_folder_one_cannot_write_to_is_told(locked: Folder) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        read(only(locked)).accept()
    assert raised.value.code == "archive"
    assert "écrire" in raised.value.sentence
    assert "agenda.csv" in locked.files()


# --- forgetting ------------------------------------------------------------------------------


def put_away(folder: Folder, day: int, name: str = "agenda.csv") -> None:
    moment = datetime(2026, 10, day, 8, tzinfo=UTC)
    file = folder.drop(ONE, name)
    os.utime(file, (moment.timestamp(),) * 2)
    read(only(folder, now=moment)).accept()


def test_what_was_put_away_is_deleted_in_time(folder: Folder) -> None:
    for day in (1, 2, 3):
        put_away(folder, day)
    folder.drop(ONE[:-60], "cut.csv")
    only(folder, now=datetime(2026, 10, 1, 8, tzinfo=UTC)).reject(["cut"])
    (folder.path / "archive" / "à garder").mkdir()
    (folder.path / "archive" / "à garder" / "notes.csv").write_text("x")
    source = folder.source()
    assert source.forget(before=datetime(2026, 10, 1, 21, 59, tzinfo=UTC)) == 0
    assert source.forget(before=datetime(2026, 10, 2, 22, 0, tzinfo=UTC)) == 3
    assert folder.files() == ["archive/2026-10-03/agenda.csv", "archive/à garder/notes.csv"]
    assert not (folder.path / "archive" / "2026-10-01").exists()
    assert source.forget(before=datetime(2026, 10, 2, 22, 0, tzinfo=UTC)) == 0


def test_the_age_of_an_archive_does_not_depend_on_file_times(folder: Folder) -> None:
    put_away(folder, 1)
    archived = folder.path / "archive" / "2026-10-01" / "agenda.csv"
    os.utime(archived)
    assert folder.source().forget(before=NOW) == 1


def test_waiting_files_are_never_forgotten(folder: Folder) -> None:
    folder.drop(ONE, age=timedelta(days=400))
    assert folder.source().forget(before=NOW) == 0
    assert folder.files() == ["agenda.csv"]


def test_what_cannot_be_deleted_is_told(folder: Folder) -> None:
    put_away(folder, 1)
    put_away(folder, 2)
    (folder.path / "archive" / "2026-10-01" / "dossier").mkdir()
    with pytest.raises(RepairNeeded, match="2026-10-01"):
        folder.source().forget(before=NOW)
    assert not (folder.path / "archive" / "2026-10-02").exists()
