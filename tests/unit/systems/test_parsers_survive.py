# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every parser survives whatever a node may print: an answer or NotUnderstood, never another exception."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import math
import os
import pkgutil
from dataclasses import fields

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils import interfaces, mount_table, process_table, systems
from ansible_collections.cloudops.hypervisor.plugins.module_utils.examination import CHECKS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import sntp
from replay import RECORDINGS, recording

# `make soak PART=parsers` asks for a million inputs a parser
EXAMPLES = int(os.environ.get("CLOUDOPS_FUZZ_EXAMPLES", "200"))
TEXTS = [recording(str(path.relative_to(RECORDINGS))[:-4]).stdout for path in sorted(RECORDINGS.rglob("*.txt"))]
OTHERS = [
    interfaces.parse_interfaces,
    mount_table.parse_fstab,
    mount_table.parse_mountinfo,
    process_table.parse_stat,
]
PARSERS = [
    pytest.param(function, id=f"{module.name}.{name}")
    for module in pkgutil.iter_modules(systems.__path__)
    for name, function in inspect.getmembers(
        importlib.import_module(f"{systems.__name__}.{module.name}"), inspect.isfunction
    )
    if name.startswith("parse_") and function.__module__.endswith("." + module.name)
] + [pytest.param(function, id=f"{function.__module__.rpartition('.')[2]}.{function.__name__}") for function in OTHERS]
# what YAML and JSON may hold
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["²", "1e999", "-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw):
    """A real recording, cut, with a piece repeated, and with characters of other places in it."""
    text = draw(st.sampled_from(TEXTS))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    cut = text[:start] + draw(st.text(max_size=12)) + text[start:end] * draw(st.integers(0, 3)) + text[end:]
    return cut[: draw(st.integers(0, len(cut)))]


@pytest.mark.fuzz
@pytest.mark.parametrize("parse", PARSERS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@example(text="mpatha: 0 ² multipath 2 0")
@given(text=st.one_of(st.text(), damaged(), st.from_regex(r"[\[{\"\d:,. |/=a-z\]}\n-]{0,200}")))
def test_a_parser_answers_or_does_not_understand(parse, text):
    with contextlib.suppress(NotUnderstood):
        parse(text)


@pytest.mark.fuzz
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    packet=st.binary(max_size=96),
    sent=st.floats(0, 4e9),
    took=st.floats(0, 100),
)
def test_a_time_server_may_send_anything(packet, sent, took):
    with contextlib.suppress(NotUnderstood):
        offset, delay = sntp.read_reply(packet, sent, sent + took)
        assert math.isfinite(offset) and math.isfinite(delay)


@pytest.mark.fuzz
@settings(max_examples=EXAMPLES, deadline=None)
@given(policy=st.sampled_from([check.policy for check in CHECKS.values()]), data=st.data())
def test_a_policy_is_built_or_refused_by_name(policy, data):
    names = st.sampled_from([one.name for one in fields(policy)]) | st.text(max_size=5)
    options = data.draw(st.dictionaries(names, VALUES, max_size=3))
    with contextlib.suppress(PolicyError):
        assert isinstance(build(policy, options), policy)
