# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, Mac, Port, VmUuid

UUID = "11111111-2222-3333-4444-55555555cafe"


@given(number=st.integers(0, 65535 - 5900))
def test_a_display_and_its_port_lead_to_each_other(number):
    display = Display(number)
    assert display.port == Port(5900 + number)
    assert display.port.display == display
    assert (display.number, display.port.number) == (number, 5900 + number)


@given(number=st.integers(5900, 65535 - 5900))
def test_a_display_is_never_taken_for_a_port(number):
    assert Display(number) != Port(number)
    with pytest.raises(TypeError):
        operator.lt(Display(number), Port(number))


@pytest.mark.parametrize("garbage", ["", "x", "-1", "5.0", "5²", None, True, 50.0, -1, 65536, "9" * 10])
@pytest.mark.parametrize("kind", [Display, Port])
def test_a_number_that_cannot_be_one_is_refused_by_name(kind, garbage):
    with pytest.raises(ValueError, match="not a VNC " + kind.__name__.lower()) as refused:
        kind.of(garbage)
    assert repr(garbage).strip("'") in str(refused.value)


def test_numbers_are_taken_as_text_too():
    assert Display.of("50") == Display.of(50) == Display(50)
    assert str(Port.of(" 5950 ")) == "5950"


def test_a_port_below_the_first_display_is_none():
    with pytest.raises(ValueError, match="not a VNC port: 80"):
        Port(80)


def test_uuids_and_macs_have_one_form():
    assert VmUuid(UUID.upper()) == UUID
    assert Mac("00-16-3E-AA-bb-01") == "00:16:3e:aa:bb:01"


@pytest.mark.parametrize("garbage", ["", UUID[:-1], UUID + "\n0", UUID.replace("-", ""), "(null)", None])
def test_what_is_no_uuid_is_refused_by_name(garbage):
    with pytest.raises(ValueError, match="not a UUID: ") as refused:
        VmUuid(garbage)
    assert repr(garbage) in str(refused.value)


@pytest.mark.parametrize("garbage", ["", "00:16:3e:aa:bb", "00:16:3e:aa:bb:zz", "0016.3eaa.bb01", None])
def test_what_is_no_mac_is_refused_by_name(garbage):
    with pytest.raises(ValueError, match="not a MAC address: ") as refused:
        Mac(garbage)
    assert repr(garbage) in str(refused.value)
