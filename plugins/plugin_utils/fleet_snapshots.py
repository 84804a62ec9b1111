# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots of a zone in the store."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.database import StoreError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Document, Store

KIND = "fleet_snapshot"
SEARCHED = 1000


def newest_snapshot(store: Store, zone: str, date: str = "", verified: bool = False) -> Document | None:
    """Of this UTC date or before it, if one is named; one that was edited is not passed over in silence."""
    for header in store.documents(KIND, zone, limit=SEARCHED):
        if date and header.created[:10] > date:
            continue
        try:
            document = store.get(header.id)
        except StoreError as error:
            raise AnsibleActionFail(str(error)) from error
        if document is not None and (document.body["verified"] or not verified):
            return document
    return None
