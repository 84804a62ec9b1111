# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator is told when the database cannot serve, made for real; and who may read the file."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients import database
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.database import (
    StoreBusy,
    StoreCorrupt,
    StoreReadOnly,
    StoreUnavailable,
    connect,
    default_path,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import (
    Author,
    Entry,
    Phase,
    Store,
    open_store,
)

AUTHOR = Author("kim", "run-1", Process.at(os.getpid()))
NOTE = Entry("job", "subject", Phase.NOTE, evidence={"much": "x" * 20000})


def opened(url: str, read_only: bool = False) -> Store:
    return open_store(AUTHOR, url, read_only)


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite://"))


class TestFile:
    def test_nobody_else_may_read_it_whatever_the_umask(self, sqlite_url: str) -> None:
        before = os.umask(0)
        try:
            with opened(sqlite_url) as store:
                store.record(NOTE)
        finally:
            os.umask(before)
        path = path_of(sqlite_url)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_permissions_that_were_opened_are_closed_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        path = tmp_path / "cloudops-hypervisor" / "store.sqlite3"
        path.parent.mkdir(mode=0o755)
        path.touch(mode=0o644)
        with opened("") as store:
            assert store.place == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_it_lies_in_the_state_directory(self) -> None:
        below = Path("cloudops-hypervisor/store.sqlite3")
        assert default_path({"XDG_STATE_HOME": "/var/lib/state"}) == "/var/lib/state" / below
        assert default_path({"XDG_STATE_HOME": "state"}) == default_path({}) == Path.home() / ".local/state" / below

    def test_a_file_that_is_no_database_is_told_and_kept(self, sqlite_url: str) -> None:
        path = path_of(sqlite_url)
        path.parent.mkdir()
        path.write_text("notes of the night shift\n" * 100)
        with pytest.raises(StoreCorrupt, match=r"not a database.*Keep the file"):
            opened(sqlite_url)
        assert path.read_text().startswith("notes of the night shift")

    def test_a_damaged_file_is_told(self, sqlite_url: str) -> None:
        with opened(sqlite_url) as store:
            for _number in range(20):
                store.record(NOTE)
        with path_of(sqlite_url).open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 60 * 4096)
        with pytest.raises(StoreCorrupt, match=r"malformed.*\.recover"), opened(sqlite_url) as store:
            store.records()

    def test_a_writer_that_hangs_is_not_waited_for_without_end(
        self, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "WAIT_SECONDS", 0.2)
        with opened(sqlite_url) as store, closing(sqlite3.connect(path_of(sqlite_url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusy, match=r"locked.*fuser"):
                store.record(NOTE)
            assert store.records() == [], "reading goes on"

    def test_a_reader_rolls_back_what_a_writer_killed_in_its_commit_left(self, sqlite_url: str) -> None:
        with opened(sqlite_url) as store:
            store.record(NOTE)
        # With a cache of one page SQLite writes to the file before the commit, and leaves its rollback journal.
        child = os.fork()
        if child == 0:
            file = sqlite3.connect(path_of(sqlite_url), isolation_level=None)
            file.execute("PRAGMA cache_size = 1")
            file.execute("BEGIN IMMEDIATE")
            for _number in range(50):
                file.execute(
                    "INSERT INTO cloudops_document (kind, name, created, who, run, sha256, body)"
                    " VALUES ('plan', 'half', '', '', '', '', ?)",
                    ("x" * 20000,),
                )
            os._exit(9)
        os.waitpid(child, 0)
        assert Path(f"{path_of(sqlite_url)}-journal").stat().st_size > 0
        with opened(sqlite_url, read_only=True) as store:
            assert len(store.records()) == 1 and store.documents("plan") == []

    def test_a_directory_of_somebody_else_is_told(self, tmp_path: Path) -> None:
        directory = tmp_path / "theirs"
        directory.mkdir(mode=0o000)
        child = os.fork()
        if child == 0:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            try:
                opened(f"sqlite://{directory}/store.sqlite3")
            except StoreUnavailable as error:
                os._exit(0 if "Permission denied" in str(error) and str(directory) in str(error) else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def on_tmpfs(self, directory: Path, program: str) -> str:
        """The program's output, with a tmpfs of its own at ``directory`` for as long as it runs."""
        script = 'mount -t tmpfs -o size=512k none "$1" && exec "$2" -c "$3" "$1"'
        run = subprocess.run(
            ["unshare", "--mount", "--map-root-user", "sh", "-ec", script, "sh", directory, sys.executable, program],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    PRELUDE = (
        "import os, subprocess, sys\n"
        "from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.database import *\n"
        "from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import *\n"
        "from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process\n"
        "author = Author('kim', 'run-1', Process.at(os.getpid()))\n"
        "note = Entry('job', 'subject', Phase.NOTE, evidence={'much': 'x' * 20000})\n"
        "url = 'sqlite://' + sys.argv[1] + '/store.sqlite3'\n"
    )

    def test_a_full_disk_is_told_and_costs_no_record(self, tmp_path: Path) -> None:
        told = self.on_tmpfs(
            tmp_path,
            self.PRELUDE + "filler = sys.argv[1] + '/filler'\n"
            "with open(filler, 'wb') as file: file.write(b'x' * 200000)\n"
            "store = open_store(author, url)\n"
            "written = []\n"
            "try:\n"
            "    while True: written.append(store.record(note))\n"
            "except StoreFull as error:\n"
            "    print(error)\n"
            "assert len(written) > 5 and store.records() == written\n"
            "os.remove(filler)\n"
            "store.record(note)\n"
            "assert len(store.records()) == len(written) + 1\n",
        )
        assert "full" in told and "Free space" in told

    def test_no_room_even_for_an_empty_store_is_told(self, tmp_path: Path) -> None:
        told = self.on_tmpfs(
            tmp_path,
            self.PRELUDE + "import errno\n"
            "try:\n"
            "    with open(sys.argv[1] + '/filler', 'wb') as filler:\n"
            "        while True: filler.write(b'x' * 4096); filler.flush()\n"
            "except OSError as error: assert error.errno == errno.ENOSPC\n"
            "try: open_store(author, url)\n"
            "except StoreFull as error: print(error)\n",
        )
        assert "Free space" in told

    def test_a_read_only_file_system_is_told_and_can_be_read(self, tmp_path: Path) -> None:
        told = self.on_tmpfs(
            tmp_path,
            self.PRELUDE + "with open_store(author, url) as store: store.record(note)\n"
            "subprocess.run(['mount', '-o', 'remount,bind,ro', sys.argv[1]], check=True)\n"
            "for wanted in (url, url.replace('/store.', '/new/store.')):\n"
            "    try:\n"
            "        with open_store(author, wanted) as store: store.record(note)\n"
            "    except StoreReadOnly as error: print(error)\n"
            "with open_store(author, url, read_only=True) as store: print(len(store.records()), 'read')\n",
        ).splitlines()
        assert len(told) == 3 and told[2] == "1 read"
        assert all("name another store" in line for line in told[:2])


class TestServer:
    def test_a_server_that_is_not_there_is_told_without_the_password(self, tmp_path: Path) -> None:
        with pytest.raises(StoreUnavailable, match=r"postgresql://operator@.*whether the server is up") as told:
            opened(f"postgresql://operator:s3cret@/store?host={tmp_path}&connect_timeout=3")
        assert "s3cret" not in str(told.value)

    def test_a_server_that_goes_away_is_told_and_later_served_again(self, postgresql_url: str) -> None:
        with opened(postgresql_url) as store:
            store.record(NOTE)
            with psycopg.connect(postgresql_url, autocommit=True) as administrator:
                administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            with pytest.raises(StoreUnavailable):
                store.record(NOTE)
        with opened(postgresql_url) as store:
            store.record(NOTE)
            assert len(store.records()) == 2

    def test_a_replica_or_read_only_server_is_told_and_can_be_read(self, postgresql_url: str) -> None:
        with opened(postgresql_url) as store:
            store.record(NOTE)
        with psycopg.connect(postgresql_url, autocommit=True) as administrator:
            name = administrator.info.dbname
            administrator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        with opened(postgresql_url) as store:
            with pytest.raises(StoreReadOnly, match="primary"):
                store.record(NOTE)
            assert len(store.records()) == 1

    def test_a_user_who_may_make_no_tables_is_told(self, postgresql_url: str) -> None:
        with psycopg.connect(postgresql_url, autocommit=True) as administrator:
            administrator.execute("DROP ROLE IF EXISTS stranger")
            administrator.execute("CREATE ROLE stranger LOGIN")
        with pytest.raises(StoreUnavailable, match=r"permission denied.*create tables"):
            opened(postgresql_url.replace("operator@", "stranger@"))

    def test_a_session_that_hangs_is_not_waited_for_without_end(
        self, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "WAIT_SECONDS", 1)
        with opened(postgresql_url) as store, psycopg.connect(postgresql_url) as other:
            other.execute("LOCK TABLE cloudops_journal")
            with pytest.raises(StoreBusy, match="pg_stat_activity"):
                store.record(NOTE)

    def test_a_server_that_commits_later_is_asked_to_commit_now(self, postgresql_url: str) -> None:
        with psycopg.connect(postgresql_url, autocommit=True) as administrator:
            name = administrator.info.dbname
            administrator.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
        server = connect(postgresql_url)
        with server.transaction() as query:
            assert query("SHOW synchronous_commit") == [("on",)]
        server.close()

    def test_the_missing_driver_is_named(self) -> None:
        program = (
            "import sys; sys.path[:0] = %r\n"
            "from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.database import *\n"
            "try: connect('postgresql://operator:s3cret@/store')\n"
            "except StoreUnavailable as error: print(error)\n"
        )
        # The collection is found, the environment's packages are not.
        collections = [
            str(parent.parent) for parent in Path(database.__file__).parents if parent.name == "ansible_collections"
        ]
        told = subprocess.run(
            [sys.executable, "-I", "-S", "-c", program % collections],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "pip install 'psycopg[binary]'" in told.stdout, told.stderr
        assert "s3cret" not in told.stdout


@pytest.mark.parametrize(
    "url",
    ["mysql://kim:s3cret@db/store", "sqlite://host/s3cret", "sqlite:s3cret", "postgresql://kim:s3cret%zz@db/store"],
)
def test_a_url_that_cannot_be_meant_is_told_without_its_secrets(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="URL") as told:
        connect(url)
    assert "s3cret" not in str(told.value)
