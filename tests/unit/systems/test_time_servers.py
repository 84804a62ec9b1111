# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.time_servers import (
    EDITS,
    edit_chrony,
    edit_ntp,
    edit_timesyncd,
)

# Debian's ntp 4.2.8
NTP = """\
# /etc/ntp.conf, configuration for ntpd; see ntp.conf(5) for help
driftfile /var/lib/ntp/ntp.drift
# pool.ntp.org maps to about 1000 low-stratum NTP servers.
pool 0.debian.pool.ntp.org iburst
pool 1.debian.pool.ntp.org iburst
Server 10.0.0.1
peer 10.0.0.2
server 127.127.1.0
fudge 127.127.1.0 stratum 10
restrict -4 default kod notrap nomodify nopeer noquery limited
#server ntp.your-provider.example
"""

# Debian's chrony 4.3
CHRONY = """\
# Include configuration files found in /etc/chrony/conf.d.
confdir /etc/chrony/conf.d
# Use Debian vendor zone.
pool 2.debian.pool.ntp.org iburst
# Use time sources from DHCP.
sourcedir /run/chrony-dhcp
# Use NTP sources found in /etc/chrony/sources.d.
sourcedir /etc/chrony/sources.d
driftfile /var/lib/chrony/chrony.drift
makestep 1 3
"""

TIMESYNCD = """\
#  This file is part of systemd.
[Time]
#NTP=
NTP=ntp1.example.org ntp2.example.org
FallbackNTP=0.debian.pool.ntp.org 1.debian.pool.ntp.org
RootDistanceMaxSec=5
"""


def test_ntp_conf_has_the_one_server_in_the_place_of_all_others():
    assert edit_ntp(NTP, ["192.168.0.10"]) == (
        "# /etc/ntp.conf, configuration for ntpd; see ntp.conf(5) for help\n"
        "driftfile /var/lib/ntp/ntp.drift\n"
        "# pool.ntp.org maps to about 1000 low-stratum NTP servers.\n"
        "server 192.168.0.10 iburst\n"
        "restrict -4 default kod notrap nomodify nopeer noquery limited\n"
        "#server ntp.your-provider.example\n"
    )


def test_chrony_conf_loses_its_pools_and_the_servers_of_dhcp_and_nothing_else():
    edited = edit_chrony(CHRONY, ["192.168.0.10"]).splitlines()
    assert [line for line in CHRONY.splitlines() if line not in edited] == [
        "pool 2.debian.pool.ntp.org iburst",
        "sourcedir /run/chrony-dhcp",
    ]
    assert [line for line in edited if line not in CHRONY.splitlines()] == ["server 192.168.0.10 iburst"]
    assert edited[3] == "server 192.168.0.10 iburst"


def test_an_included_file_of_chrony_has_no_server():
    assert edit_chrony("server 10.0.0.9 prefer\n# ours\nmaxdistance 16\n", []) == "# ours\nmaxdistance 16\n"


def test_timesyncd_has_the_one_server_and_no_fallback():
    assert edit_timesyncd(TIMESYNCD, ["192.168.0.10"]) == (
        "#  This file is part of systemd.\n[Time]\n#NTP=\nNTP=192.168.0.10\nFallbackNTP=\nRootDistanceMaxSec=5\n"
    )


@pytest.mark.parametrize("text", ["", "[Other]\nNTP=stays\n", "# no section\n"])
def test_timesyncd_without_its_section_gets_one(text):
    assert edit_timesyncd(text, ["a"]) == text + "[Time]\nNTP=a\nFallbackNTP=\n"


def test_a_section_that_ends_without_servers_gets_them_before_the_next():
    assert edit_timesyncd("[Time]\n[Other]\nNTP=stays\n", ["a"]) == "[Time]\nNTP=a\nFallbackNTP=\n[Other]\nNTP=stays\n"


def test_a_drop_in_of_timesyncd_has_no_server():
    assert edit_timesyncd("[Time]\nNTP=a\nPollIntervalMaxSec=2048\n", []) == "[Time]\nPollIntervalMaxSec=2048\n"


def test_a_server_that_stays_keeps_its_options():
    text = "server 10.0.0.1 iburst\nserver 192.168.0.10 iburst minpoll 4 key 7\n"
    assert edit_ntp(text, ["192.168.0.10"]) == "server 192.168.0.10 iburst minpoll 4 key 7\n"
    assert edit_chrony(text, ["192.168.0.10", "b"]) == ("server b iburst\nserver 192.168.0.10 iburst minpoll 4 key 7\n")


@pytest.mark.parametrize(("daemon", "text"), [("ntpd", NTP), ("chronyd", CHRONY), ("timesyncd", TIMESYNCD)])
@pytest.mark.parametrize("servers", [["192.168.0.10"], ["a", "b"]])
def test_a_second_run_changes_nothing(daemon, text, servers):
    once = EDITS[daemon](text, servers)
    assert EDITS[daemon](once, servers) == once


@pytest.mark.parametrize("edit", list(EDITS.values()))
def test_a_last_line_without_an_end_is_kept(edit):
    assert "driftfile x" in edit("driftfile x", ["a"]).split("\n")
