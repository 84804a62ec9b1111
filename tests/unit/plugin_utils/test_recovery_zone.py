# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone as its nodes describe it."""

from __future__ import annotations

import json

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.recovery_steps import JobState
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase, told
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import End, Job, State
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.recovery_zone import job_of

OPEN = Phrase("job_image_open", ["/data/x.raw by loop loop0"])


def read(refusal=None):
    """A job that has ended, as it comes from its node."""
    end = End(1 if refusal else 0, 1.0, False, {}, refusal or {})
    job = Job("start-1", State.FINISHED, (refusal or {}).get("said", ""), end=end)
    return json.loads(json.dumps(job.as_dict()))


def test_why_a_node_refused_a_start_is_said_in_the_language_of_the_report():
    job = job_of(read(Refusal("image_open", OPEN).as_dict()))
    assert (job.state, job.acted, job.said) == (JobState.FINISHED, False, OPEN)
    assert told(job.said, "ko") == "이미지가 열려 있음: /data/x.raw by loop loop0"


@pytest.mark.parametrize("refusal", [{"code": "crashed", "said": "no room"}, Refusal("crashed", "no room").as_dict()])
def test_what_is_no_phrase_is_said_as_it_is(refusal):
    """Of another version, or of a tool."""
    assert told(job_of(read(refusal)).said, "ko") == "no room"


def test_a_job_that_went_well_says_nothing():
    assert job_of(read()).said == ""
