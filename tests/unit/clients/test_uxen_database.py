# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The uxen database beside an API that goes on writing, on a server that fails."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients import uxen_database
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import (
    DiskRow,
    DisplayWrite,
    Holder,
    NodeRow,
    PlaceWrite,
    RowsMoved,
    Unreadable,
    UxenDatabase,
    UxenDatabaseError,
    VmRow,
    ZoneLocked,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, VmUuid
from clients.postgresql import PostgresqlServer
from clients.uxen import SCHEMA, Uxen, cut_wire, pm, vm

# not the one in READ COMMITTED
COMMIT = b"COMMIT\0"
HOLDER = Holder("zone-a", "kim", "controller1", "run-1", "VNC port synchronisation of zone-a")
SWAP = (
    DisplayWrite(VmUuid(vm(1)), Display(50), Display(99)),
    DisplayWrite(VmUuid(vm(2)), Display(51), Display(50)),
    DisplayWrite(VmUuid(vm(1)), Display(99), Display(51)),
)
SWAPPED = {vm(1): 51, vm(2): 50, vm(3): 50}


@pytest.fixture
def uxen(postgresql_url: str) -> Uxen:
    """Two VMs on n1, one on n2."""
    made = Uxen(postgresql_url)
    made.do(SCHEMA)
    made.fill({"n1": {1: 50, 2: 51}, "n2": {3: 50}})
    return made


def swap(uxen: Uxen, options: dict[str, Any] | None = None) -> uxen_database.Correction:
    database = UxenDatabase(options or uxen.options)
    with UxenDatabase(uxen.options).holding(HOLDER):
        return database.correct(SWAP, database.read().vms, HOLDER)


class TestReading:
    def test_the_tables_are_read_as_the_runbook_shows_them(self, uxen: Uxen) -> None:
        uxen.do(f"INSERT INTO pengx_disk VALUES ('{vm(9)}', '{vm(1)}', 'qcow2')")
        reading = UxenDatabase(uxen.options).read(disks=True)
        assert reading.nodes == (NodeRow(pm(1), "n1"), NodeRow(pm(2), "n2"))
        assert reading.vms[0] == VmRow(vm(1), VmUuid(vm(1)), pm(1), "n1", Display(50))
        assert reading.disks == (DiskRow(vm(9), VmUuid(vm(1)), "qcow2"),)
        assert not reading.unreadable and not reading.identity.replica

    def test_mapped_columns_come_too_whatever_they_are_called(self, uxen: Uxen) -> None:
        uxen.do(
            'ALTER TABLE pengx_vm ADD "memory; DROP" integer, ADD "order" varchar',
            "ALTER TABLE pengx_pm ADD zone_name varchar",
            f"UPDATE pengx_vm SET \"order\" = 'high' WHERE uuid = '{vm(1)}'",
            "UPDATE pengx_pm SET zone_name = 'zone-a'",
        )
        columns = {"vm": {"priority": "order", "memory": None}, "node": {"zone": "zone_name"}}
        reading = UxenDatabase({**uxen.options, "columns": columns}).read()
        assert [row.more for row in reading.vms] == [{"priority": "high"}, {"priority": None}, {"priority": None}]
        assert reading.nodes[0].more == {"zone": "zone-a"}

    @pytest.mark.parametrize(
        ("columns", "told"),
        [
            ({"vm": {"memory": "memory; DROP"}}, "columns.vm.memory"),
            ({"vm": {"mac": 'a"b'}}, "columns.vm.mac"),
            ({"node": {"rack": "rack"}}, "columns.node.rack: no such column; there are zone, address"),
        ],
    )
    def test_what_is_no_column_is_refused_by_name(self, uxen: Uxen, columns: dict[str, Any], told: str) -> None:
        with pytest.raises(UxenDatabaseError, match=told):
            UxenDatabase({**uxen.options, "columns": columns})

    def test_a_mapped_column_that_is_not_there_is_told(self, uxen: Uxen) -> None:
        with pytest.raises(UxenDatabaseError, match=r"does not exist.*option 'columns'"):
            UxenDatabase({**uxen.options, "columns": {"vm": {"memory": "ram"}}}).read()

    def test_a_database_of_other_column_types_is_read_and_corrected(self, postgresql_url: str) -> None:
        uxen = Uxen(postgresql_url)
        uxen.do(SCHEMA.replace("uuid uuid", "uuid varchar").replace("integer CHECK (vnc_port >= 0)", "varchar(8)"))
        uxen.do(SCHEMA.partition(";")[0].replace("pengx_pm", "unused"))
        uxen.fill({"n1": {1: 50, 2: 51}, "n2": {3: 50}})
        uxen.do(f"UPDATE pengx_vm SET uuid = upper(uuid) WHERE uuid = '{vm(1)}'")
        assert swap(uxen).state == "committed"
        assert {key.lower(): int(port or 0) for key, port in uxen.ports().items()} == SWAPPED

    def test_rows_that_cannot_be_meant_are_told_apart_from_the_rest(self, uxen: Uxen) -> None:
        uxen.do("ALTER TABLE pengx_vm DROP CONSTRAINT pengx_vm_vnc_port_check, ALTER vnc_port TYPE varchar")
        uxen.do("UPDATE pengx_vm SET vnc_port = 'x' || vnc_port")
        uxen.do(f"UPDATE pengx_vm SET vnc_port = NULL, pm_uuid = NULL WHERE uuid = '{vm(3)}'")
        reading = UxenDatabase(uxen.options).read()
        assert reading.vms == (VmRow(vm(3), VmUuid(vm(3)), "", "", None),)
        assert reading.unreadable[0] == Unreadable("pengx_vm", "n1", vm(1), "not a VNC display: 'x50'")

    def test_reading_cannot_write_and_leaves_no_session(self, uxen: Uxen, monkeypatch: pytest.MonkeyPatch) -> None:
        uxen.do("CREATE FUNCTION spoil() RETURNS text LANGUAGE sql AS $$ DELETE FROM pengx_disk RETURNING 'x' $$")
        uxen.do("ALTER TABLE pengx_pm ENABLE ROW LEVEL SECURITY", "ALTER TABLE pengx_pm FORCE ROW LEVEL SECURITY")
        uxen.do("CREATE POLICY spoil ON pengx_pm USING (spoil() IS NULL)", "DROP ROLE IF EXISTS reader")
        uxen.do("CREATE ROLE reader LOGIN", "GRANT ALL ON pengx_pm, pengx_vm, pengx_disk TO reader")
        with pytest.raises(UxenDatabaseError, match="read-only transaction"):
            UxenDatabase({**uxen.options, "login_user": "reader"}).read()
        database = psycopg.conninfo.conninfo_to_dict(uxen.url)["dbname"]
        assert uxen.do(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'") == [(1,)]


class TestConnecting:
    def test_a_server_that_is_not_there_is_told_without_the_password(self, tmp_path: Path) -> None:
        options = {"login_unix_socket": str(tmp_path), "login_user": "uxen", "login_password": "s3cret"}
        with pytest.raises(UxenDatabaseError, match="whether the server is up") as told:
            UxenDatabase(options).read()
        assert "s3cret" not in str(told.value) and "uxen@" in str(told.value)

    def test_a_database_that_is_not_the_apis_is_told(self, postgresql_url: str) -> None:
        with pytest.raises(UxenDatabaseError, match=r'"pengx_pm" does not exist.*not those of the runbook'):
            UxenDatabase(Uxen(postgresql_url).options).read()

    def test_a_user_needs_to_read_and_to_update_one_column_and_no_more(self, uxen: Uxen) -> None:
        uxen.do("DROP ROLE IF EXISTS cloudops", "CREATE ROLE cloudops LOGIN")
        options = {**uxen.options, "login_user": "cloudops"}
        with pytest.raises(UxenDatabaseError, match=r"permission denied.*update vnc_port"):
            UxenDatabase(options).read()
        uxen.do(
            "GRANT SELECT ON pengx_pm, pengx_vm, pengx_disk TO cloudops",
            "GRANT UPDATE (vnc_port) ON pengx_vm TO cloudops",
        )
        database = UxenDatabase(options)
        with database.holding(HOLDER):
            assert database.correct(SWAP, database.read().vms, HOLDER).state == "committed"
        assert uxen.ports() == SWAPPED

    def test_a_server_is_trusted_by_its_certificate_alone(self, tmp_path: Path) -> None:
        def certificate(name: str) -> Path:
            files = [str(tmp_path / f"{name}.{end}") for end in ("key", "crt")]
            subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
            make = [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                *subject,
            ]
            subprocess.run([*make, "-keyout", files[0], "-out", files[1]], capture_output=True, check=True)
            return Path(files[1])

        own, strange = certificate("own"), certificate("strange")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with PostgresqlServer() as server:
            server.initialise()
            for path in (own, own.with_suffix(".key")):
                (server.data / path.name).write_bytes(path.read_bytes())
                (server.data / path.name).chmod(0o600)
                server.own(server.data / path.name)
            tls = ("ssl=on", "ssl_cert_file=own.crt", "ssl_key_file=own.key")
            server.start("listen_addresses=127.0.0.1", f"port={port}", *tls)
            Uxen(f"{server.url}&port={port}").do(SCHEMA)
            options = {"login_host": "127.0.0.1", "login_port": port, "login_user": "operator", "login_db": "postgres"}
            verified = {**options, "ssl_mode": "verify-full", "ca_cert": str(own)}
            assert UxenDatabase(verified).read().vms == ()
            with pytest.raises(UxenDatabaseError, match="certificate verify failed"):
                UxenDatabase({**verified, "ca_cert": str(strange)}).read()


class TestCorrecting:
    def test_a_pair_is_swapped_whole_and_the_rows_before_are_told(self, uxen: Uxen) -> None:
        done = swap(uxen)
        assert (done.state, uxen.ports()) == ("committed", SWAPPED)
        assert {row.vm: row.display for row in done.before} == {vm(1): Display(50), vm(2): Display(51)}
        assert {row.vm: row.display for row in done.now} == {vm(1): Display(51), vm(2): Display(50)}

    def test_it_is_swapped_where_the_database_forbids_two_of_a_number(self, uxen: Uxen) -> None:
        uxen.do("ALTER TABLE pengx_vm ADD UNIQUE (pm_uuid, vnc_port)")
        assert swap(uxen).state == "committed" and uxen.ports() == SWAPPED

    def moved(self, uxen: Uxen, *api: str, writes: tuple[DisplayWrite, ...] = SWAP) -> str:
        """What is told when the API does this between our reading and our writing."""
        database = UxenDatabase(uxen.options)
        seen = database.read().vms
        if api:
            uxen.do(*api)
        before = uxen.ports()
        with database.holding(HOLDER), pytest.raises(RowsMoved, match="Nothing was") as told:
            database.correct(writes, seen, HOLDER)
        assert uxen.ports() == before
        return str(told.value)

    def test_the_api_that_hands_out_the_same_number_in_the_middle_stops_it(self, uxen: Uxen) -> None:
        told = self.moved(uxen, f"INSERT INTO pengx_vm VALUES ('{vm(7)}', '{pm(1)}', 52)")
        assert f"The row of {vm(7)}" in told and "vnc_port 52 on n1, not no row on this node" in told

    def test_a_row_that_was_changed_since_stops_all_of_it(self, uxen: Uxen) -> None:
        told = self.moved(uxen, f"UPDATE pengx_vm SET vnc_port = 60 WHERE uuid = '{vm(2)}'")
        assert "vnc_port 60 on n1, not vnc_port 51 on n1" in told

    def test_a_vm_that_moved_or_went_stops_all_of_it(self, uxen: Uxen) -> None:
        assert "changed by somebody" in self.moved(
            uxen, f"UPDATE pengx_vm SET pm_uuid = '{pm(2)}' WHERE uuid = '{vm(2)}'"
        )
        assert "no row on this node" in self.moved(uxen, f"DELETE FROM pengx_vm WHERE uuid = '{vm(1)}'")

    def test_an_old_value_that_is_not_the_rows_stops_all_of_it(self, uxen: Uxen) -> None:
        wrong = (SWAP[0], DisplayWrite(VmUuid(vm(2)), Display(52), Display(50)))
        assert "2 rows were to be written and 1 were" in self.moved(uxen, writes=wrong)

    def test_a_trigger_that_writes_something_else_stops_all_of_it(self, uxen: Uxen) -> None:
        body = "BEGIN NEW.vnc_port := NEW.vnc_port + 1; RETURN NEW; END"
        trigger = "CREATE TRIGGER t BEFORE UPDATE ON pengx_vm FOR EACH ROW EXECUTE FUNCTION plus()"
        function = f"CREATE FUNCTION plus() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
        assert "would not end as planned" in self.moved(uxen, function, trigger, writes=SWAP[:1])

    def test_the_database_that_refuses_at_the_commit_has_written_nothing(self, uxen: Uxen) -> None:
        body = "BEGIN RAISE EXCEPTION 'the ports are frozen'; END"
        uxen.do(
            f"CREATE FUNCTION freeze() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
            "CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON pengx_vm DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION freeze()",
        )
        done = swap(uxen)
        assert (done.state, done.said) == ("aborted", "the ports are frozen")
        assert uxen.ports() == {vm(1): 50, vm(2): 51, vm(3): 50}

    def test_rows_another_has_locked_are_not_waited_for_without_end(
        self, uxen: Uxen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(uxen_database, "LOCK_SECONDS", 1)
        with psycopg.connect(uxen.url) as api:
            api.execute("UPDATE pengx_vm SET vnc_port = 70 WHERE vnc_port = 51")
            with pytest.raises(UxenDatabaseError, match=r"lock timeout.*pg_stat_activity"):
                swap(uxen)

    def test_a_writer_it_waited_for_is_seen(self, uxen: Uxen) -> None:
        database = UxenDatabase(uxen.options)
        seen = database.read().vms
        with psycopg.connect(uxen.url) as api, database.holding(HOLDER):
            api.execute("UPDATE pengx_vm SET vnc_port = 70 WHERE vnc_port = 51")
            threading.Timer(0.5, api.commit).start()
            with pytest.raises(RowsMoved, match="vnc_port 70"):
                database.correct(SWAP, seen, HOLDER)
            time.sleep(0.2)

    def test_a_server_that_commits_later_is_asked_to_commit_now(self, uxen: Uxen) -> None:
        name = psycopg.conninfo.conninfo_to_dict(uxen.url)["dbname"]
        uxen.do(f"ALTER DATABASE {name} SET synchronous_commit = off", "CREATE TABLE said (how text)")
        uxen.do(
            "CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO said VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$",
            "CREATE TRIGGER t AFTER UPDATE ON pengx_vm EXECUTE FUNCTION say()",
        )
        swap(uxen)
        assert set(uxen.do("SELECT how FROM said")) == {("on",)}


class TestLostCommit:
    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(uxen_database, "OUTCOME_SECONDS", 15)

    def lost(self, uxen: Uxen, forward: bool, at: bytes = COMMIT) -> uxen_database.Correction:
        database = UxenDatabase(uxen.options)
        seen = database.read().vms
        directory = str(uxen.options["login_unix_socket"])
        with database.holding(HOLDER), cut_wire(directory, at, forward) as wire:
            return UxenDatabase({**uxen.options, "login_unix_socket": wire}).correct(SWAP, seen, HOLDER)

    def test_a_commit_the_server_got_is_found_to_be_committed(self, uxen: Uxen) -> None:
        done = self.lost(uxen, forward=True)
        assert done.state == "committed" and done.said
        assert {row.vm: row.display for row in done.now} == {vm(1): Display(51), vm(2): Display(50)}
        assert uxen.ports() == SWAPPED

    def test_a_commit_that_never_reached_the_server_is_found_to_be_aborted(self, uxen: Uxen) -> None:
        done = self.lost(uxen, forward=False)
        assert done.state == "aborted" and done.before == done.now
        assert uxen.ports() == {vm(1): 50, vm(2): 51, vm(3): 50}

    def test_a_connection_lost_before_the_commit_has_written_nothing(self, uxen: Uxen) -> None:
        with pytest.raises(UxenDatabaseError):
            self.lost(uxen, forward=True, at=b"UPDATE pengx_vm")
        time.sleep(0.2)
        assert uxen.ports() == {vm(1): 50, vm(2): 51, vm(3): 50}

    def test_the_server_ends_what_a_dead_wire_left_open_and_the_outcome_waits_for_that(
        self, uxen: Uxen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The client is gone and the server has not noticed: its transaction keeps the rows."""
        monkeypatch.setattr(uxen_database, "ORPHAN_SECONDS", 2)
        seen = UxenDatabase(uxen.options).read().vms
        # the stand-in for our own orphan: same locks, same limit, no client that will ever speak again
        orphan = psycopg.connect(uxen.url)
        orphan.execute("SET idle_in_transaction_session_timeout = '2s'")
        orphan.commit()
        ((transaction,),) = orphan.execute("SELECT txid_current()").fetchall()
        orphan.execute("UPDATE pengx_vm SET vnc_port = 99 WHERE vnc_port = 51")
        database = UxenDatabase(uxen.options)
        identity = database.read().identity
        started = time.monotonic()
        done = database._outcome(transaction, identity, [pm(1)], tuple(row for row in seen if row.node == "n1"), "cut")
        assert done.state == "aborted" and time.monotonic() - started > 1
        orphan.close()

    def test_a_server_that_stays_away_leaves_it_unknown(self, uxen: Uxen, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(uxen_database, "OUTCOME_SECONDS", 1)
        uxen.do("DROP ROLE IF EXISTS leaver", "CREATE ROLE leaver LOGIN SUPERUSER")
        database = UxenDatabase(uxen.options)
        seen = database.read().vms

        def away() -> None:
            uxen.do("ALTER ROLE leaver NOLOGIN")

        directory = str(uxen.options["login_unix_socket"])
        with database.holding(HOLDER), cut_wire(directory, COMMIT, forward=True, after=away) as wire:
            options = {**uxen.options, "login_unix_socket": wire, "login_user": "leaver"}
            done = UxenDatabase(options).correct(SWAP, seen, HOLDER)
        assert done.state == "unknown" and "not permitted to log in" in done.said and done.now == ()


class TestZoneLock:
    def test_the_second_controller_is_told_who_has_the_zone_since_when_and_for_what(self, uxen: Uxen) -> None:
        first, second = UxenDatabase(uxen.options), UxenDatabase(uxen.options)
        assert first.holder("zone-a") is None
        other = Holder("zone-a", "lee", "controller2", "run-2", "recovery")
        with first.holding(HOLDER):
            with pytest.raises(ZoneLocked) as told, second.holding(other):
                pass
            for said in ("zone-a", "kim", "controller1", "run-1", "VNC port synchronisation", time.strftime("%Y-")):
                assert said in str(told.value)
            with second.holding(Holder("zone-b", "lee")):
                pass
        with second.holding(other):
            held = first.holder("zone-a")
            assert held is not None and (held.who, held.what) == ("lee", "recovery")

    def test_words_cannot_leave_their_comment(self, uxen: Uxen) -> None:
        evil = Holder("zone-a", "kim", "c1", "r1", "*/; DROP TABLE pengx_disk; /* %s")
        database = UxenDatabase(uxen.options)
        with database.holding(evil):
            held = database.holder("zone-a")
        assert held is not None and held.what == evil.what
        assert uxen.do("SELECT count(*) FROM pengx_disk") == [(0,)]

    def test_its_own_run_goes_on_by_another_session(self, uxen: Uxen) -> None:
        database = UxenDatabase(uxen.options)
        with database.holding(HOLDER), database.holding(HOLDER):
            assert database.correct(SWAP, database.read().vms, HOLDER).state == "committed"

    def test_another_database_user_sees_who_and_where_at_least(self, uxen: Uxen) -> None:
        uxen.do("DROP ROLE IF EXISTS other", "CREATE ROLE other LOGIN")
        with UxenDatabase(uxen.options).holding(HOLDER):
            held = UxenDatabase({**uxen.options, "login_user": "other"}).holder("zone-a")
        assert held is not None and (held.who, held.host, held.what) == ("kim", "controller1", "")
        assert "kim on controller1" in held.describe()

    def test_nothing_is_written_by_who_lost_the_lock(self, uxen: Uxen) -> None:
        database = UxenDatabase(uxen.options)
        seen = database.read().vms
        with pytest.raises(RowsMoved, match="held by nobody"):
            database.correct(SWAP, seen, HOLDER)
        other = Holder("zone-a", "lee", "controller2", "run-2", "recovery")
        with database.holding(other), pytest.raises(RowsMoved, match="held by lee"):
            database.correct(SWAP, seen, HOLDER)

    def test_a_holder_whose_session_ended_holds_nothing(self, uxen: Uxen) -> None:
        database = UxenDatabase(uxen.options)
        with database.holding(HOLDER):
            held = database.holder("zone-a")
            assert held is not None
            uxen.do(f"SELECT pg_terminate_backend({held.session}, 5000)")
            with database.holding(Holder("zone-a", "lee", "c2", "run-2", "recovery")):
                pass


class TestIdentity:
    @pytest.fixture
    def pair(self) -> Iterator[tuple[PostgresqlServer, PostgresqlServer]]:
        """A primary and its streaming replica."""
        with PostgresqlServer() as primary, PostgresqlServer() as replica:
            primary.initialise()
            primary.start()
            Uxen(primary.url).do(SCHEMA)
            Uxen(primary.url).fill({"n1": {1: 50, 2: 51}, "n2": {3: 50}})
            replica.run("pg_basebackup", "-h", str(primary.directory), "-U", "operator", "-R", "-c", "fast")
            replica.start()
            yield primary, replica

    def test_a_replica_a_promoted_one_and_older_contents_are_told_from_what_was_there(
        self, pair: tuple[PostgresqlServer, PostgresqlServer]
    ) -> None:
        primary, replica = pair
        before = UxenDatabase(Uxen(primary.url).options).read().identity
        beside = UxenDatabase(Uxen(replica.url).options).read()
        assert beside.identity.replica and beside.identity.system == before.system and len(beside.vms) == 3
        with pytest.raises(UxenDatabaseError, match="primary"):
            swap(Uxen(primary.url), Uxen(replica.url).options)
        replica.run("pg_ctl", "-w", "promote")
        after = UxenDatabase(Uxen(replica.url).options).read().identity
        assert (after.system, after.timeline, after.replica) == (before.system, before.timeline + 1, False)
        swap(Uxen(primary.url))
        assert UxenDatabase(Uxen(primary.url).options).read().identity.transaction > after.transaction

    def test_what_became_of_a_commit_is_not_asked_of_another_server(
        self, pair: tuple[PostgresqlServer, PostgresqlServer]
    ) -> None:
        primary, replica = pair
        database = UxenDatabase(Uxen(primary.url).options)
        reading = database.read()
        replica.run("pg_ctl", "-w", "promote")
        promoted = UxenDatabase(Uxen(replica.url).options)
        rows = tuple(row for row in reading.vms if row.node == "n1")
        done = promoted._outcome(reading.identity.transaction, reading.identity, [pm(1)], rows, "cut")
        assert done.state == "unknown" and "another server answers" in done.said


class TestMoving:
    """A VM that was migrated: its node and its display in one transaction, or not at all."""

    def move(self, uxen: Uxen, *writes: PlaceWrite) -> uxen_database.Correction:
        database = UxenDatabase(uxen.options)
        with database.holding(HOLDER):
            return database.correct(writes, database.read().vms, HOLDER)

    def rows(self, uxen: Uxen) -> dict[str, tuple[str, int | None]]:
        return {one[0]: one[1:] for one in uxen.do("SELECT uuid::text, pm_uuid::text, vnc_port FROM pengx_vm")}

    def test_node_and_display_are_written_together(self, uxen: Uxen) -> None:
        ended = self.move(uxen, PlaceWrite(VmUuid(vm(1)), pm(1), pm(2), Display(51)))
        assert ended.state == "committed" and {row.node for row in ended.now} == {"n1", "n2"}
        assert self.rows(uxen)[vm(1)] == (pm(2), 51) and self.rows(uxen)[vm(2)] == (pm(1), 51)

    def test_a_display_that_is_not_proven_stays(self, uxen: Uxen) -> None:
        self.move(uxen, PlaceWrite(VmUuid(vm(2)), pm(1), pm(2)))
        assert self.rows(uxen)[vm(2)] == (pm(2), 51)

    def test_a_node_that_has_no_vm_yet_takes_one(self, uxen: Uxen) -> None:
        uxen.do(f"INSERT INTO pengx_pm VALUES ('{pm(3)}', 'n3')")
        assert self.move(uxen, PlaceWrite(VmUuid(vm(1)), pm(1), pm(3))).state == "committed"
        assert self.rows(uxen)[vm(1)] == (pm(3), 50)

    def test_a_row_that_was_moved_by_somebody_else_is_left(self, uxen: Uxen) -> None:
        with pytest.raises(RowsMoved):
            self.move(uxen, PlaceWrite(VmUuid(vm(1)), pm(9), pm(2)))
        assert self.rows(uxen)[vm(1)] == (pm(1), 50)
