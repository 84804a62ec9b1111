# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every parser survives whatever a node may print: an answer or NotUnderstood, never another exception."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import pkgutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils import systems
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from replay import RECORDINGS, recording

# `make soak PART=parsers` asks for a million inputs a parser
EXAMPLES = int(os.environ.get("CLOUDOPS_FUZZ_EXAMPLES", "200"))
TEXTS = [recording(str(path.relative_to(RECORDINGS))[:-4]).stdout for path in sorted(RECORDINGS.rglob("*.txt"))]
PARSERS = [
    pytest.param(function, id=f"{module.name}.{name}")
    for module in pkgutil.iter_modules(systems.__path__)
    for name, function in inspect.getmembers(
        importlib.import_module(f"{systems.__name__}.{module.name}"), inspect.isfunction
    )
    if name.startswith("parse_") and function.__module__.endswith("." + module.name)
]


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
@given(text=st.one_of(st.text(), damaged(), st.from_regex(r"[\[{\"\d:,. |/=a-z\]}\n-]{0,200}")))
def test_a_parser_answers_or_does_not_understand(parse, text):
    with contextlib.suppress(NotUnderstood):
        parse(text)
