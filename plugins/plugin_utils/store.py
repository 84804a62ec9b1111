# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store as actions use it: opened for the person and the run, its errors as a task's failure."""

from __future__ import annotations

import contextlib
import getpass
import multiprocessing
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.database import StoreError, StoreMissing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import (
    Author,
    Store,
    open_store,
)


def author(variables: Mapping[str, Any]) -> Author:
    """AWX tells its user and job; elsewhere it is the login behind sudo and the ansible-playbook process."""
    main = multiprocessing.parent_process()
    process = Process.at(main.pid if main is not None and main.pid else os.getpid())
    who = variables.get("awx_user_name") or os.environ.get("SUDO_USER") or getpass.getuser()
    job = variables.get("awx_job_id")
    run = f"awx-{job}" if job else f"{process.host}-{process.boot[:8]}-{process.pid}-{process.started}"
    return Author(str(who), run, process)


@contextlib.contextmanager
def opened_store(variables: Mapping[str, Any], url: str | None) -> Iterator[Store]:
    """To write."""
    writer = author(variables)
    if os.path.exists("/proc/self/stat") and not writer.process.started:
        raise AnsibleActionFail("The ansible-playbook process of this task has ended: nothing more is done for it.")
    with _told(), open_store(writer, _url(url)) as store:
        yield store


@contextlib.contextmanager
def existing_store(variables: Mapping[str, Any], url: str | None) -> Iterator[Store | None]:
    """To read: nothing is made or changed. None if nothing was ever written there."""
    with _told():
        try:
            store = open_store(author(variables), _url(url), read_only=True)
        except StoreMissing:
            yield None
            return
        with store:
            yield store


def _url(option: str | None) -> str:
    return os.environ.get("CLOUDOPS_STORE_URL", "") if option is None else option


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise AnsibleActionFail(str(error)) from error
