"""An export holds everything of value, exactly, and nothing that must not leave."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import LargeBinary

from reminders.domain.access import Grant, Role
from reminders.domain.cells import may_run, unguarded
from reminders.services import accounts, signing_in
from reminders.services.export import Wanted, export, whole_for
from reminders.services.export_files import Folder, Zip, while_written
from reminders.store.catalogue import LEFT_OUT
from reminders.store.engine import Store, rows
from reminders.store.exporting import TABLES
from reminders.store.schema import metadata
from reminders.store.types import UtcDateTime, micros
from tests.services.test_purge import CANARIES, lived_in
from tests.support.clinic import PARIS, Clinic, someone, visit

EVERYTHING = Wanted()
NO_NAMES = Wanted(names=False)


@dataclass
class Memory:
    """A sink that keeps the files."""

    files: dict[str, bytes] = field(default_factory=dict)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        stream = io.BytesIO()
        yield stream
        self.files[name] = stream.getvalue()

    def lines(self, table: str) -> list[dict[str, Any]]:
        return [json.loads(one) for one in self.files[f"data/{table}.jsonl"].splitlines()]

    def cells(self, table: str) -> list[dict[str, str]]:
        text = self.files[f"data/{table}.csv"].decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))

    @property
    def package(self) -> Any:
        return json.loads(self.files["datapackage.json"])


def exported(clinic: Clinic, wanted: Wanted = EVERYTHING) -> Memory:
    sink = Memory()
    export(clinic.store, sink, wanted, PARIS, now=clinic.now, by="nadia")
    return sink


# --- what is in it ------------------------------------------------------------------------------


def test_every_table_and_column_is_described_or_left_out_for_a_reason() -> None:
    """A new table leaves only once somebody said what it is, and whom it names."""
    described = {table.name: [one.name for one in table.columns] for table in TABLES}
    assert set(described) | set(LEFT_OUT) == set(metadata.tables)
    assert not set(described) & set(LEFT_OUT)
    for name, columns in described.items():
        assert sorted(columns) == sorted(one.name for one in metadata.tables[name].columns), name
    assert all(one.about for table in TABLES for one in table.columns)


def test_only_what_may_be_unknown_is_empty_in_a_csv() -> None:
    """A text is never unknown, so that an empty cell says one thing only."""
    unknown = [
        f"{table.name}.{one.name}"
        for table in TABLES
        for one in table.columns
        if one.nullable and one.kind == "string"
    ]
    assert unknown == []


def test_each_value_is_what_the_database_holds(store: Store) -> None:
    clinic = lived_in(store)
    sink = exported(clinic)
    for table in TABLES:
        kept = [one for one in table.columns if not one.secret]
        names = ", ".join(one.name for one in kept)
        found = clinic.rows(f"SELECT {names} FROM {table.name} ORDER BY {', '.join(table.keys)}")
        wanted = [dict(zip((c.name for c in kept), row, strict=True)) for row in found]
        assert [plain(table.name, one) for one in sink.lines(table.name)] == wanted, table.name
        assert [read_back(table.name, one) for one in sink.cells(table.name)] == wanted, table.name
    assert len(sink.lines("patient")) == len(sink.lines("inbound")) == 60


def plain(table: str, line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as the database has it: moments in microseconds, keys as bytes."""
    columns = metadata.tables[table].c
    found = {}
    for name, value in line.items():
        if isinstance(columns[name].type, UtcDateTime) and value is not None:
            value = micros(datetime.fromisoformat(value))
        elif isinstance(columns[name].type, LargeBinary):
            value = bytes.fromhex(value)
        found[name] = value
    return found


def read_back(table: str, cells: Mapping[str, str]) -> dict[str, Any]:
    """A line of the CSV by the rules the export states of itself."""
    kinds = {one.name: one.kind for one in next(t for t in TABLES if t.name == table).columns}
    found: dict[str, Any] = {}
    for name, cell in cells.items():
        if kinds[name] == "string":
            found[name] = unguarded(cell)
        elif cell == "":
            found[name] = b"".hex() if kinds[name] == "hex" else None
        else:
            found[name] = {"integer": int, "number": float}.get(kinds[name], str)(cell)
    return plain(table, found)


def test_moments_carry_the_hospitals_offset_winter_and_summer(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-20 09:30"), visit(2, "2026-11-20 09:30"))
    starts = [line["starts_at"] for line in exported(clinic).lines("appointment")]
    assert starts == ["2026-10-20T09:30:00+02:00", "2026-11-20T09:30:00+01:00"]


@pytest.mark.parametrize(
    "name", ["=1+1", "@x", "+33", "-1", "'quoted", " =1", 'a"b,c\r\nd', "é\u2028"]
)
def test_no_cell_runs_and_none_is_changed_for_it(store: Store, name: str) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, patient=someone(1, family=name)))
    with store.write() as connection:
        rows(connection, "UPDATE patient SET family = :name RETURNING id", name=name)
    cell = exported(clinic).cells("patient")[0]["family"]
    assert not may_run(cell)
    assert unguarded(cell) == name
    assert exported(clinic).lines("patient")[0]["family"] == name


def test_the_file_says_what_it_is(store: Store) -> None:
    clinic = lived_in(store)
    sink = exported(clinic)
    package = sink.package
    Draft202012Validator(PACKAGE_SCHEMA).validate(package)
    assert len(package["resources"]) == 2 * len(TABLES)
    for one in package["resources"]:
        content = sink.files[one["path"]]
        assert one["bytes"] == len(content)
        assert one["hash"] == f"sha256:{sha256(content).hexdigest()}"
    patients = next(one for one in package["resources"] if one["name"] == "patient")
    assert patients["rows"] == 60
    heads = sink.files["data/patient.csv"].decode().split("\r\n")[0].split(",")
    assert heads == [one["name"] for one in patients["schema"]["fields"]]
    told = sink.files["LISEZ-MOI.md"].decode()
    assert "## patient (60 lignes)" in told
    assert all(f"`{one.name}`" in told for t in TABLES for one in t.columns if not one.secret)


PACKAGE_SCHEMA = {  # what the Data Package standard requires of a tabular package
    "type": "object",
    "required": ["profile", "resources"],
    "properties": {
        "resources": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "path", "schema"],
                "properties": {
                    "name": {"type": "string", "pattern": r"^[a-z0-9._-]+$"},
                    "path": {"type": "string", "pattern": r"^data/[a-z_]+\.(csv|jsonl)$"},
                    "schema": {
                        "type": "object",
                        "required": ["fields", "primaryKey", "missingValues"],
                        "properties": {
                            "fields": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["name", "type", "description"],
                                    "properties": {
                                        "type": {
                                            "enum": ["integer", "number", "string", "datetime"]
                                        }
                                    },
                                },
                            }
                        },
                    },
                },
            },
        }
    },
}


# --- what is not --------------------------------------------------------------------------------


def test_no_secret_leaves(store: Store) -> None:
    clinic = lived_in(store)
    code = accounts.create(
        store, login="nadia", name="Nadia Exemple", grants=[Grant(Role.AGENT)], actor="x",
        now=clinic.now,
    )  # fmt: skip
    signing_in.first_sign_in(store, "nadia", code, "une phrase assez longue", now=clinic.now)
    secrets = [
        *(row.value for row in clinic.rows("SELECT value FROM setting WHERE key LIKE '%key%'")),
        *(row.password for row in clinic.rows("SELECT password FROM account")),
    ]
    assert len(secrets) >= 2
    everything = b"".join(exported(clinic).files.values()).decode()
    assert [one for one in secrets if one in everything] == []
    names = {one.name for table in TABLES for one in table.columns if one.secret}
    assert names == {
        "token_hash",
        "password",
        "code_hash",
        "code_until",
        "totp",
        "totp_step",
        "salt",
    }
    told = re.findall(r"`(\w+)`", exported(clinic).files["LISEZ-MOI.md"].decode())
    assert not names & set(told)


def test_without_the_right_to_names_nobody_is_named(store: Store) -> None:
    clinic = lived_in(store)
    whole = exported(clinic)
    assert all(one in repr(whole.files) for one in CANARIES if one != "CANARI-NOM")
    bare = exported(clinic, NO_NAMES)
    assert [one for one in CANARIES if one in repr(bare.files)] == []
    assert "0000007" not in repr(bare.files)  # a patient's number in the records system
    assert len(bare.lines("patient")) == 60
    assert set(bare.lines("patient")[0]) < set(whole.lines("patient")[0])
    fields = {f["name"] for r in bare.package["resources"] for f in r["schema"]["fields"]}
    assert not fields & {"given", "birth_date", "sender", "email", "external_id"}


def test_a_service_gets_its_own_and_nothing_of_its_neighbours(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(
        visit(1, uf="4220", patient=someone(1, family="ICI")),
        visit(2, uf="4230", patient=someone(2, family="AILLEURS")),
    )
    clinic.plan()
    own = exported(clinic, Wanted(ufs=frozenset({"4220"})))
    assert [one["uf"] for one in own.lines("appointment")] == ["4220"]
    assert [one["family"] for one in own.lines("patient")] == ["ICI"]
    assert {one["patient_id"] for one in own.lines("message")} == {own.lines("patient")[0]["id"]}
    assert "AILLEURS" not in repr(own.files)
    assert {"data/audit.csv", "data/account.csv", "data/feed.csv"} & set(own.files) == set()
    assert "4220" in own.files["LISEZ-MOI.md"].decode()
    nothing = exported(clinic, Wanted(ufs=frozenset()))
    assert nothing.lines("patient") == []


def test_every_export_is_a_line_of_the_audit(store: Store) -> None:
    clinic = lived_in(store)
    exported(clinic)
    exported(clinic, Wanted(names=False, ufs=frozenset({"4220"})))
    found = clinic.rows("SELECT actor, detail FROM audit WHERE action = 'export' ORDER BY id")
    assert [row.actor for row in found] == ["nadia", "nadia"]
    assert [json.loads(row.detail) for row in found] == [{"names": 1}, {"names": 0, "ufs": "4220"}]


# --- one person's -------------------------------------------------------------------------------


def test_a_person_gets_everything_about_them_and_nothing_about_others(store: Store) -> None:
    clinic = lived_in(store)
    key = clinic.patient(7).id
    own = exported(clinic, Wanted(patient=key))
    assert [one["family"] for one in own.lines("patient")] == ["CANARI-NOM-7"]
    assert [one["external_id"] for one in own.lines("appointment")] == ["R7"]
    assert [one["body"] for one in own.lines("inbound")] == ["CANARI-REPONSE"]
    assert [one["channel"] for one in own.lines("objection")] == ["all"]
    assert own.lines("message")
    assert own.lines("attempt")
    assert own.lines("told")
    assert own.lines("receipt")
    others = [one for n in (1, 8, 17, 70) for one in (f'CANARI-NOM-{n}"', f"mail{n}@")]
    assert [one for one in others if one in repr(own.files)] == []


def test_who_looked_is_told_without_their_name(store: Store) -> None:
    clinic = lived_in(store)
    key = clinic.patient(7).id
    exported(clinic, Wanted(patient=key))
    told = exported(clinic, Wanted(patient=key))
    assert {one["action"] for one in told.lines("audit")} == {"export.patient"}
    assert "actor" not in told.lines("audit")[0]
    assert "nadia" not in repr(told.files)


def test_records_that_were_merged_into_one_person_belong_to_them(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2), visit(3))
    with store.write() as connection:
        for late, early in ((1, 2), (2, 3)):
            rows(
                connection,
                "UPDATE patient SET merged_into = :into WHERE id = :id RETURNING id",
                id=clinic.patient(late).id,
                into=clinic.patient(early).id,
            )
    own = exported(clinic, Wanted(patient=clinic.patient(3).id))
    assert [one["external_id"] for one in own.lines("appointment")] == ["R1", "R2", "R3"]


def test_nobody_is_invented(store: Store) -> None:
    clinic = lived_in(store)
    with pytest.raises(LookupError):
        exported(clinic, Wanted(patient=999_999))
    assert whole_for(store, 999_999, None) is None


def test_who_sees_a_part_of_a_person_hands_nothing_over(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, uf="4220"), visit(2, uf="4230", patient=someone(1)))
    key = clinic.patient(1).id
    assert whole_for(store, key, None) is True
    assert whole_for(store, key, frozenset({"4220", "4230"})) is True
    assert whole_for(store, key, frozenset({"4220"})) is False
    assert whole_for(store, key, frozenset({"9999"})) is None  # they do not even learn of them


# --- one moment, any size, any reader -----------------------------------------------------------


def test_all_tables_show_the_same_moment(store: Store) -> None:
    """What is written while the export runs is in no table of it."""
    clinic = Clinic(store)
    clinic.read(visit(1))
    late = Meanwhile(clinic)
    export(store, late, EVERYTHING, PARIS, now=clinic.now, by="nadia")
    assert len(late.lines("patient")) == len(late.lines("appointment")) == 1
    assert clinic.value("SELECT COUNT(*) FROM appointment") == 2


@dataclass
class Meanwhile(Memory):
    """Somebody books while the first table is being written."""

    clinic: Clinic = None  # type: ignore[assignment]

    def __init__(self, clinic: Clinic) -> None:
        super().__init__()
        self.clinic = clinic

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        with super().open(name) as stream:
            yield stream
        if name == "data/patient.csv":
            self.clinic.now += timedelta(minutes=1)
            self.clinic.read(visit(1), visit(2))


def test_a_folder_is_its_owners_alone(store: Store, tmp_path: Path) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    export(store, Folder(tmp_path / "sortie"), EVERYTHING, PARIS, now=clinic.now, by="nadia")
    found = [path for path in (tmp_path / "sortie").rglob("*") if path.is_file()]
    assert len(found) == 2 * len(TABLES) + 2
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}


def test_a_zip_that_is_read_while_it_is_written_is_whole(store: Store) -> None:
    clinic = lived_in(store)

    def write(stream: IO[bytes]) -> None:
        sink = Zip(stream)
        export(store, sink, EVERYTHING, PARIS, now=clinic.now, by="nadia")
        sink.close()

    content = b"".join(while_written(write))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        lines = archive.read("data/patient.jsonl").splitlines()
        assert len(lines) == 60
        assert archive.read("data/patient.csv") == exported(clinic).files["data/patient.csv"]


def test_a_reader_who_leaves_ends_the_writing() -> None:
    told: list[str] = []

    def write(stream: IO[bytes]) -> None:
        try:
            while True:
                stream.write(b"x" * 1_000)
        finally:
            told.append("ended")

    pieces = while_written(write)
    assert next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert told == ["ended"]


def test_what_goes_wrong_while_writing_is_told_to_the_reader() -> None:
    def write(stream: IO[bytes]) -> None:
        stream.write(b"begun")
        raise OSError("disk full")

    pieces = while_written(write)
    with pytest.raises(OSError, match="disk full"):
        b"".join(pieces)
