# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain, rendered
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import time
from replay import Replay, by_code, judged, recording

CHRONYC = "chronyc -c -n -m tracking sources"
NTPQ = "ntpq -n -c rv 0 leap,stratum,refid,reftime,offset -c peers"
STATUS = "timedatectl timesync-status"
SHOW = "timedatectl show-timesync"
RUNS = "/run/systemd/timesync/synchronized"
ENABLED = "/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service"
ADJTIMEX = "adjtimex --print"
SELF = "/proc/self/status"
# two seconds after the recordings
NOW = {CHRONYC: 1795263179.5, NTPQ: 1795258243.0, STATUS: 1795263037.0}
SYNCED = recording("time/adjtimex-synchronised")
UNSYNCED = recording("time/adjtimex-unsynchronised")


def check(answers, policy=None, now=1795263179.5, links=None):
    given = {ADJTIMEX: SYNCED, SELF: "CapBnd:\t000001ffffffffff\n", **answers}
    return judged(time.CHECK, Replay(given, now=now, links=links), policy)


def chrony(name, policy=None, **changes):
    return check({CHRONYC: recording(f"time/chrony-{name}"), **changes}, policy)


def ntpd(name, policy=None):
    return check({NTPQ: recording(f"time/ntpq-{name}")}, policy, now=NOW[NTPQ])


def timesyncd(policy=None, now=NOW[STATUS], **changes):
    answers = {STATUS: recording("time/timesync-status"), SHOW: recording("time/show-timesync"), RUNS: ""}
    return check({**answers, **changes}, policy, now=now)


def servers(*names, **options):
    return build(time.Policy, {"servers": list(names), **options})


def test_chrony_follows_its_server():
    found = chrony("good")
    assert set(found) == {"time_ok"}, "one silent server of two, of which policy names none, is no fault"
    values = {"daemon": "chronyd", "source": "10.99.0.2", "stratum": 4, "offset": "+0.000003"}
    assert found["time_ok"].values == values


def test_ntpd_and_timesyncd_follow_theirs():
    assert ntpd("4.2.8")["time_ok"].values["offset"] == "+0.000640", "ntpd counts how much the server is ahead"
    assert timesyncd()["time_ok"].values == {
        "daemon": "timesyncd",
        "source": "216.239.38.15",
        "stratum": 2,
        "offset": "-0.000316",
    }


def test_only_the_daemon_that_keeps_the_clock_is_asked():
    host = Replay({CHRONYC: recording("time/chrony-good"), ADJTIMEX: SYNCED}, now=NOW[CHRONYC])
    time.CHECK.probe(host, time.Policy())
    assert host.asked == [CHRONYC, ADJTIMEX]


def test_a_daemon_that_has_not_found_a_server_yet():
    assert set(chrony("starting")) == {"time_unsynchronised", "time_server_silent"}
    assert chrony("starting")["time_unsynchronised"].values["servers"] == ["10.99.0.2", "10.99.0.3"]
    assert set(ntpd("starting")) == {"time_unsynchronised"}
    assert set(ntpd("disabled")) == {"time_unsynchronised"}


def test_following_its_own_clock_is_following_nobody():
    assert "time_unsynchronised" in chrony("local")
    assert "time_unsynchronised" in ntpd("4.2.6-local")


def test_a_server_that_went_away():
    assert chrony("source-gone")["time_server_silent"].values["servers"] == ["10.99.0.2", "10.99.0.3"]
    found = chrony("good", servers("10.99.0.2", "10.99.0.3"))
    assert found["time_server_silent"].values["servers"] == ["10.99.0.3"]
    quiet = replace(recording("time/timesync-status"), stdout="Server: 10.0.0.5 (ntp)\nPacket count: 0\n")
    assert set(timesyncd(**{STATUS: quiet})) == {"time_unsynchronised"}


def test_servers_other_than_policy_s():
    found = chrony("good", servers("10.99.0.2"))
    assert set(found) == {"time_server_not_allowed"}
    assert found["time_server_not_allowed"].values["servers"] == ["10.99.0.3"]
    found = chrony("good", servers("192.168.0.10"))
    assert found["time_server_missing"].values["servers"] == ["192.168.0.10"]
    assert timesyncd(servers("216.239.38.15"))["time_server_not_allowed"].values["servers"] == ["ntp.example.net"]


def test_a_server_named_in_policy_is_resolved_on_the_node():
    policy = servers("ntp.zone", "10.99.0.3")
    answer = "10.99.0.2       STREAM ntp.zone\n10.99.0.2       DGRAM\n10.99.0.2       RAW\n"
    found = chrony("good", policy, **{"getent ahosts ntp.zone": answer})
    assert set(found) == {"time_server_silent"}
    found = chrony("good", policy, **{"getent ahosts ntp.zone": Answer("", rc=2)})
    assert {"reading_failed", "time_server_missing"} <= set(found)


def test_an_old_synchronisation_a_high_stratum_and_a_great_offset():
    text = recording("time/chrony-good").stdout
    assert check({CHRONYC: text}, now=1795263177 + 20000.0)["time_sync_old"].values == {"age": 20000, "limit": 10800.0}
    assert chrony("good", build(time.Policy, {"max_stratum": 3}))["time_stratum_high"].values["stratum"] == 4
    found = check({CHRONYC: text.replace("-0.000002816", "30.012345678")})
    assert set(found) == {"time_offset_high"}
    assert found["time_offset_high"].values["offset"] == "-30.012", "chrony counts how much the clock is slow"


def test_a_clock_that_was_set_by_hand():
    assert set(chrony("good", **{ADJTIMEX: UNSYNCED})) == {"time_kernel_unsynchronised"}


def test_daemons_that_do_not_run():
    found = chrony("down")
    said = rendered(found["time_daemon_down"], time.TABLE["time_daemon_down"])["remedy"]
    assert said == "Start it: systemctl enable --now chrony, or /etc/init.d/chrony start."
    assert ntpd("refused")["time_daemon_down"].values["daemon"] == "ntpd"
    host = {"links": {ENABLED: "/lib/systemd/system/systemd-timesyncd.service"}}
    assert check({}, **host)["time_daemon_down"].values["daemon"] == "timesyncd"
    answers = {CHRONYC: recording("time/chrony-down"), NTPQ: recording("time/ntpq-4.2.8")}
    assert set(check(answers, now=NOW[NTPQ])) == {"time_ok"}


def test_a_daemon_that_runs_but_does_not_answer_is_unknown():
    assert set(chrony("down", **{"/proc/812/comm": "chronyd\n"})) == {"reading_failed"}
    assert set(check({NTPQ: recording("time/ntpq-stopped")})) == {"reading_timeout"}


def test_no_daemon_at_all():
    assert set(check({ADJTIMEX: UNSYNCED})) == {"time_no_daemon"}
    assert set(check({})) == {"time_kernel_alone"}
    assert set(check({}, time.Policy(required=True))) == {"component_required"}


def test_a_container_without_a_clock_is_skipped():
    container = {SELF: "CapBnd:\t00000000a80425fb\n", ADJTIMEX: UNSYNCED}
    assert set(check(container)) == {"component_absent"}
    assert set(check(container, servers("10.0.0.1"))) == {"component_required"}


def test_what_cannot_be_read_is_unknown():
    assert set(check({CHRONYC: "garbage"})) == {"reading_not_understood"}
    assert set(check({CHRONYC: Problem.TIMEOUT})) == {"reading_timeout"}
    assert set(check({CHRONYC: Answer("", stderr="chronyc: invalid option -- 'c'", rc=1)})) == {"reading_failed"}
    assert set(timesyncd(**{SHOW: "garbage"})) == {"reading_not_understood"}
    assert set(timesyncd(**{STATUS: Answer("", stderr="Unknown command verb timesync-status.", rc=1)})) == {
        "reading_failed"
    }
    assert set(chrony("good", **{ADJTIMEX: Problem.FAILED})) == {"reading_failed"}


def test_time_spans_of_systemd():
    text = recording("time/timesync-status").stdout
    for span, seconds in (("-1.666ms", 0.001666), ("+2min 3.5s", -123.5), ("0", 0.0), ("+1h", -3600.0)):
        assert time.parse_timesync_status(text.replace("+316us", span)).offset == pytest.approx(seconds)


def test_an_ignored_answer_is_no_synchronisation():
    text = recording("time/show-timesync").stdout
    assert time.parse_show_timesync(text) == (("ntp.example.net",), 1795263035.0)
    assert time.parse_show_timesync(text.replace("Ignored=no", "Ignored=yes"))[1] is None


def test_a_long_address_has_a_line_of_its_own():
    text = recording("time/ntpq-4.2.8").stdout.replace("*194.112.182.172 ", "*2001:db8:1234:5678::1\n                 ")
    assert time.parse_ntpq(text).source == "2001:db8:1234:5678::1"


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (time.parse_chrony, ""),
        (time.parse_chrony, "a,b,c"),
        (time.parse_chrony, "0A630002,10.99.0.2,4,nan,0,0,0,0,0,0,0,0,0,Normal"),
        (time.parse_chrony, "0A630002,10.99.0.2,4,0,0,0,0,0,0,0,0,0,0,Normal\n^,*,10.99.0.2"),
        (time.parse_ntpq, "remote refid\n====\n"),
        (time.parse_ntpq, "leap=00, stratum=3\n=====\n*10.0.0.1 x"),
        (time.parse_timesync_status, "garbage"),
        (time.parse_timesync_status, "Server: 10.0.0.1\nPacket count: 1\nOffset: soon"),
        (time.parse_show_timesync, "garbage"),
        (
            time.parse_show_timesync,
            "ServerName=x\nNTPMessage={ DestinationTimestamp=Sat 2026-13-41 12:10:35 UTC }",
        ),
        (time.parse_adjtimex, "status: x"),
        (time.parse_may_set_clock, "CapEff: 0"),
    ],
)
def test_anything_else_is_not_understood(parse, text):
    with pytest.raises(NotUnderstood):
        parse(text)


def facts(now=1000.0, **changes):
    """Facts as a node returns them, of chrony without an offset."""
    host = Replay({CHRONYC: recording("time/chrony-good"), ADJTIMEX: SYNCED}, now=now)
    return {**plain(time.CHECK.probe(host, time.Policy())), **changes}


def seen(clock, asked, answered):
    """Facts with the controller's own clock before and after the question."""
    return facts(clock={"node": clock}, controller={"asked": asked, "answered": answered})


def test_a_node_whose_clock_the_controller_saw_apart():
    found = time.compare({"n1": seen(1005, 1000, 1010), "n2": seen(1034, 1001, 1009), "n3": seen(1003, 1000, 1008)})
    assert set(found) == {"n2"}
    assert found["n2"][0].values == {"seconds": "+25.0"}
    by_code(time.CHECK, found["n2"])
    assert time.compare({"n1": seen(905, 1000, 1010), "n2": seen(1005, 1000, 1010)})["n1"][0].values == {
        "seconds": "-95.0"
    }


def test_the_controller_s_own_clock_may_be_the_one_that_is_off():
    assert time.compare({name: seen(1500 + at, 1000, 1010) for at, name in enumerate(("n1", "n2", "n3"))}) == {}


def test_a_slow_answer_proves_no_difference():
    assert time.compare({"n1": seen(1001, 1000, 1060), "n2": seen(1059, 1000, 1060)}) == {}


def test_offsets_to_one_server_are_compared():
    def offset(seconds, source="10.99.0.2"):
        return facts(reading={**facts()["reading"], "offset": seconds, "source": source})

    found = time.compare({"n1": offset(0.001), "n2": offset(-12.0), "n3": offset(0.002)})
    assert set(found) == {"n2"}
    assert found["n2"][0].values == {"seconds": "-12.0"}
    assert time.compare({"n1": offset(0.0), "n2": offset(5.0, "10.99.0.9")}) == {}
    assert time.compare({"n1": {}, "n2": {"reading": None, "clock": None}}) == {}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"max_offset": 0}, "max_offset"),
        ({"max_age": -1}, "max_age"),
        ({"max_stratum": 16}, "max_stratum"),
        ({"servers": ["a b"]}, "servers"),
    ],
)
def test_impossible_policy_is_refused_by_name(options, named):
    with pytest.raises(PolicyError, match=named):
        build(time.Policy, options)
