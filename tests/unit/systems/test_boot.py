# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import boot
from replay import Replay, judged, recording

BOOT_ID = "6cb4279e-70b4-47df-be26-e619be0c8b1f"
STATE = "systemctl is-system-running"
FAILED = "systemctl list-units --state=failed --plain --no-legend --no-pager"
JOBS = "systemctl list-jobs --no-legend --no-pager"
JOURNAL = "journalctl -b -1 -n 200 -o short-unix --no-pager"
LAST = "last -x -F reboot shutdown"
NO_BOOT = Answer("", stderr="Data from the specified boot (-1) is not available: No such boot ID in journal", rc=1)
GUEST = "66666666-0000-0000-0000-000000000006"
XL = f"""name = "{GUEST}"
memory = 128
disk = [ 'format=raw, vdev=xvda, access=rw, target={{}}/domu/{GUEST}/current/disk.raw' ]
"""
LIBVIRT_XML = """<domain type='xen'>
  <name>web</name>
  <devices><disk type='file' device='disk'><source file='{}'/><target dev='xvda'/></disk></devices>
</domain>
"""
FSTAB = "/dev/vda / ext4 rw 0 1\n/dev/mapper/mpathb /data ocfs2 _netdev 0 0\n"
MOUNTS = "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\n"


def show(*extra):
    properties = "Id,LoadState,ActiveState,UnitFileState,Before,RequiredBy"
    return " ".join(["systemctl show --no-pager -p", properties, *NAMES, *extra])


NAMES = (boot.GATE, boot.XENDOMAINS, *boot.LIBVIRT)


def unit(name, load="not-found", active="inactive", file="", before="", required_by=""):
    return (
        f"Id={name}\nRequiredBy={required_by}\nBefore={before}\nLoadState={load}\n"
        f"ActiveState={active}\nUnitFileState={file}\n"
    )


def units(*known):
    """What systemctl show says: these, and nothing known of the others."""
    given = {one.partition("\n")[0][3:]: one for one in known}
    others = [unit(name) for name in NAMES if name not in given]
    return "\n".join([*given.values(), *others])


def gate(active="active", file="enabled", before="xendomains.service", required_by="xendomains.service"):
    return unit(boot.GATE, "loaded", active, file, before, required_by)


XENDOMAINS_ON = unit("xendomains.service", "loaded", "active", "enabled")


def node(**changes):
    answers = {
        "/proc/1/comm": "systemd\n",
        "/proc/uptime": "36.01 60.00\n",
        "/proc/sys/kernel/random/boot_id": BOOT_ID + "\n",
        STATE: "running\n",
        FAILED: "",
        show(): units(),
        JOURNAL: recording("boot/journal_end-clean"),
        "/etc/fstab": FSTAB,
        "/proc/self/mounts": MOUNTS,
    }
    links = changes.pop("links", None)
    blocked = changes.pop("blocked", None)
    answers.update(changes)
    kept = {name: answer for name, answer in answers.items() if answer is not None}
    return Replay(kept, links=links, blocked=blocked)


def check(policy=None, **changes):
    return judged(boot.CHECK, node(**changes), policy)


def xen(on=XENDOMAINS_ON, *more, **changes):
    return {show(): units(on, *more), **changes}


def test_a_booted_node_is_ok():
    found = check()
    assert set(found) == {"boot_ok"}
    assert found["boot_ok"].subject == BOOT_ID


def test_a_boot_in_progress_names_the_jobs_that_run():
    starting = Answer("", stdout="starting\n", rc=1)
    jobs = "1 graphical.target start waiting\n89 networking.service start running\n2 multi-user.target start waiting\n"
    found = check(**{STATE: starting, JOBS: jobs})
    assert set(found) == {"boot_in_progress"}
    assert found["boot_in_progress"].values == {"jobs": ["networking.service"]}
    real = recording("boot/list_jobs-starting").stdout
    assert boot.parse_running_jobs(real) == ("dev-mapper-mpathb.device", "open-iscsi.service")
    assert check(**{STATE: starting, JOBS: "No jobs running.\n"})["boot_in_progress"].values == {"jobs": ["starting"]}


def test_a_boot_that_waits_for_its_gate_alone_is_not_in_progress_but_closed():
    starting = Answer("", stdout="starting\n", rc=1)
    jobs = recording("boot/list_jobs-gate_closed").stdout
    assert boot.parse_running_jobs(jobs) == ("boot-gate.service",)
    jobs = jobs.replace("boot-gate", "cloudops-boot-gate")
    found = check(**{STATE: starting, JOBS: jobs, **xen(XENDOMAINS_ON, gate("activating"))})
    assert set(found) == {"boot_gate_closed"}
    assert found["boot_gate_closed"].values == {"boot_id": BOOT_ID}


def test_a_node_that_goes_down_is_critical():
    assert set(check(**{STATE: Answer("", stdout="stopping\n", rc=1)})) == {"boot_going_down"}


def test_failed_units_are_a_warning_and_those_of_the_policy_critical():
    failed = (
        "● ssh.service loaded failed failed OpenBSD Secure Shell server\nquota.service loaded failed failed Quota\n"
    )
    degraded = Answer("", stdout="degraded\n", rc=1)
    found = check(**{STATE: degraded, FAILED: failed})
    assert set(found) == {"boot_units_failed"}
    assert found["boot_units_failed"].values == {"units": ["ssh.service", "quota.service"]}
    expected = {show("ssh.service"): units() + "\n" + unit("ssh.service", "loaded", "failed", "enabled")}
    found = check(boot.Policy(units=("ssh.service",)), **{STATE: degraded, FAILED: failed, **expected})
    assert set(found) == {"boot_units_failed", "boot_unit_down"}
    assert found["boot_unit_down"].values == {"unit": "ssh.service", "state": "failed"}


def test_an_expected_unit_may_be_named_without_its_suffix_and_may_not_exist():
    known = {
        show("nginx", "absent"): units()
        + "\n"
        + unit("nginx.service", "loaded", "active")
        + "\n"
        + unit("absent.service")
    }
    found = check(boot.Policy(units=("nginx", "absent")), **known)
    assert set(found) == {"boot_unit_down"}
    assert found["boot_unit_down"].values == {"unit": "absent", "state": "not-found"}


def test_an_unclean_end_of_the_boot_before_is_a_warning_for_a_week():
    unclean = {JOURNAL: recording("boot/journal_end-killed")}
    found = check(**unclean)
    assert set(found) == {"boot_unclean_shutdown"}
    assert found["boot_unclean_shutdown"].evidence[0] in recording("boot/journal_end-killed").stdout
    weeks = {"/proc/uptime": "1000000.00 0.00\n"}
    assert set(check(**unclean, **weeks)) == {"boot_ok"}
    assert set(check(boot.Policy(unclean_hours=300), **unclean, **weeks)) == {"boot_unclean_shutdown"}


def test_older_systemds_say_that_they_go_down_in_other_words():
    for said in (
        "systemd[1]: Reached target Shutdown.",
        "systemd[1]: Reached target Reboot.",
        "systemd[1]: Reached target Power-Off.",
        "systemd-journald[201]: Received SIGTERM from PID 1 (systemd-shutdow).",
        "systemd[1]: Shutting down.",
    ):
        assert (
            boot.parse_journal_end(f"10.5 n1 {said}\n11.5 n1 systemd-journald[201]: Journal stopped\n").how == "clean"
        )
    assert boot.parse_journal_end("10.5 n1 systemd[1]: Reached target Sockets.\n").how == "unclean"


def test_without_a_persistent_journal_wtmp_tells():
    rows = {
        "clean": recording("boot/last-clean").stdout,
        "unclean": recording("boot/last-killed").stdout,
        "first": recording("boot/last-first").stdout,
    }
    for how, text in rows.items():
        assert boot.parse_last(text).how == how
    volatile = Answer("", stderr="no persistent journal was found", rc=1)
    assert set(check(**{JOURNAL: volatile, LAST: rows["unclean"]})) == {"boot_unclean_shutdown"}
    assert set(check(**{JOURNAL: NO_BOOT, LAST: rows["first"]})) == {"boot_ok"}


def test_no_record_at_all_is_a_warning():
    assert set(check(**{JOURNAL: NO_BOOT})) == {"boot_shutdown_not_recorded"}
    assert set(check(**{JOURNAL: NO_BOOT, LAST: "\nwtmp begins Tue May 20 00:00:00 2025\n"})) == {
        "boot_shutdown_not_recorded"
    }


@pytest.mark.parametrize(
    ("where", "found"),
    [("/data", {"boot_autostart_without_gate"}), ("/srv", {"boot_ok"}), ("/dev/vg1", {"boot_autostart_without_gate"})],
)
def test_guests_of_xendomains_count_by_where_their_disks_lie(where, found):
    assert set(check(**xen(**{f"/etc/xen/auto/{GUEST}.cfg": XL.format(where)}))) == found


def test_a_guest_whose_disks_are_not_known_counts_as_shared():
    found = check(**xen(**{f"/etc/xen/auto/{GUEST}": "name = 'x'\n"}))
    assert found["boot_autostart_without_gate"].values["guests"] == [GUEST]


def test_a_link_to_shared_storage_is_never_followed():
    path = f"/etc/xen/auto/{GUEST}.cfg"
    host = node(**xen(), links={path: f"/data/domu/{GUEST}/current/{GUEST}.cfg"})
    found = judged(boot.CHECK, host)
    assert set(found) == {"boot_autostart_without_gate"}
    assert found["boot_autostart_without_gate"].evidence == (f"{path}: on shared storage",)
    assert not [asked for asked in host.asked if asked.startswith("/data")]


@pytest.mark.parametrize(
    ("links", "settings", "listed"),
    [
        ({"/etc/xen/auto": "/data/auto"}, "", "ls -1 -- /data/auto"),
        ({"/etc/xen": "../srv/xen", "/srv/xen": "/data/xen"}, "", "ls -1 -- /data/xen/auto"),
        ({"/var/lib/xen": "/data/xen"}, "", None),
        ({}, "XENDOMAINS_SAVE=/srv/../data/save", None),
    ],
)
def test_a_folder_that_leads_to_shared_storage_is_never_touched_by_this_process(links, settings, listed):
    given = {"/etc/default/xendomains": settings + "\n"}
    if listed:
        given[listed] = f"{GUEST}.cfg\n"
    host = node(**xen(**given), links=links)
    guests = [GUEST] if listed else ["saved states"]
    assert judged(boot.CHECK, host)["boot_autostart_without_gate"].values["guests"] == guests
    assert not [asked for asked in host.asked if asked.startswith("/data")]
    assert not [pattern for pattern in host.globbed if pattern.startswith(("/data", *links))]


def test_links_in_a_circle_end():
    host = node(**xen(), links={"/etc/xen/auto": "/etc/xen/other", "/etc/xen/other": "auto"})
    assert set(judged(boot.CHECK, host)) == {"boot_ok"}


def test_a_link_to_a_local_configuration_is_read():
    path = "/etc/xen/auto/web"
    found = check(**xen(**{"/etc/xen/web.cfg": XL.format("/data")}), links={path: "../web.cfg"})
    assert set(found) == {"boot_autostart_without_gate"}


def test_a_folder_of_the_policy_counts_as_shared_storage():
    path = {f"/etc/xen/auto/{GUEST}.cfg": XL.format("/srv")}
    assert set(check(boot.Policy(shared=("/srv",)), **xen(**path))) == {"boot_autostart_without_gate"}


def test_what_no_boot_starts_is_not_counted():
    guests = {f"/etc/xen/auto/{GUEST}.cfg": XL.format("/data")}
    for off in (
        unit("xendomains.service", "masked", file="masked"),
        unit("xendomains.service", "loaded", file="disabled"),
    ):
        assert set(check(**xen(off, **guests))) == {"boot_ok"}
    generated = unit("xendomains.service", "loaded", "active", "generated")
    assert set(check(**xen(generated, **guests))) == {"boot_ok"}
    started = {**guests, "/etc/rc2.d/S21xendomains": ""}
    assert set(check(**xen(generated, **started))) == {"boot_autostart_without_gate"}


def test_saved_states_are_guests_that_start_by_themselves():
    saved = {f"/var/lib/xen/save/{GUEST}": ""}
    assert set(check(**xen(**saved))) == {"boot_autostart_without_gate"}
    assert set(check(**xen(**saved, **{"/etc/default/xendomains": "XENDOMAINS_RESTORE=false\n"}))) == {"boot_ok"}
    shared = check(**xen(**{"/etc/default/xendomains": 'XENDOMAINS_SAVE="/data/save"\n'}))
    assert shared["boot_autostart_without_gate"].values["guests"] == ["saved states"]


def test_an_auto_folder_on_shared_storage_is_listed_by_a_child_that_may_be_left_behind():
    changes = xen(
        **{"/etc/default/xendomains": "XENDOMAINS_AUTO=/data/auto\n", "ls -1 -- /data/auto": f"{GUEST}.cfg\n"}
    )
    assert check(**changes)["boot_autostart_without_gate"].values["guests"] == [GUEST]
    blocked = {Touches.OCFS2: "n2 heartbeats but its o2cb address does not answer"}
    assert set(check(**changes, blocked=blocked)) == {"reading_blocked"}


def test_guests_of_libvirt_count_too():
    libvirtd = unit("libvirtd.service", "loaded", "active", "enabled")
    path = "/etc/libvirt/libxl/autostart/web.xml"
    guests = {path: LIBVIRT_XML.format("/data/domu/web.raw")}
    found = check(**xen(libvirtd, **guests))
    assert found["boot_autostart_without_gate"].values["starter"] == "libvirtd.service"
    assert set(check(**xen(libvirtd, **{path: LIBVIRT_XML.format("/var/lib/libvirt/web.raw")}))) == {"boot_ok"}


def test_a_gate_that_holds_the_starter_is_enough():
    guests = {f"/etc/xen/auto/{GUEST}.cfg": XL.format("/data")}
    assert set(check(**xen(XENDOMAINS_ON, gate(), **guests))) == {"boot_ok"}


@pytest.mark.parametrize("weak", [{"file": "disabled"}, {"before": "shutdown.target"}, {"required_by": ""}])
def test_a_gate_that_does_not_hold_the_starter_is_critical(weak):
    guests = {f"/etc/xen/auto/{GUEST}.cfg": XL.format("/data")}
    assert set(check(**xen(XENDOMAINS_ON, gate(**weak), **guests))) == {"boot_gate_ineffective"}


def test_a_gate_that_policy_requires_is_missed_without_any_guest():
    assert set(check(boot.Policy(gate=True))) == {"boot_gate_missing"}
    assert set(check(boot.Policy(gate=True), **xen(XENDOMAINS_ON, gate()))) == {"boot_ok"}


SYSVINIT = {"/proc/1/comm": "init\n", STATE: None, FAILED: None, show(): None, JOURNAL: None}


def test_a_sysvinit_node_is_judged_by_its_runlevel_and_wtmp():
    answers = {**SYSVINIT, "runlevel": "N 2\n", LAST: recording("boot/last-clean").stdout}
    assert set(check(**answers)) == {"boot_ok"}
    assert set(check(**{**answers, "runlevel": "unknown\n"})) == {"boot_in_progress"}
    assert set(check(**{**answers, "runlevel": "2 6\n"})) == {"boot_going_down"}
    assert set(check(**{**answers, "runlevel": None})) == {"reading_absent"}
    assert set(check(**{**answers, "runlevel": "?\n"})) == {"reading_not_understood"}


def test_a_sysvinit_nodes_services_and_gate():
    answers = {**SYSVINIT, "runlevel": "N 2\n", LAST: recording("boot/last-clean").stdout}
    policy = boot.Policy(units=("nginx.service", "ntp"))
    status = {
        "service nginx status": "nginx is running.\n",
        "service ntp status": Answer("", stdout="not running\n", rc=3),
    }
    assert check(policy, **answers, **status)["boot_unit_down"].values == {"unit": "ntp", "state": "inactive"}
    assert "reading_timeout" in check(policy, **answers, **{**status, "service ntp status": Problem.TIMEOUT})
    guests = {f"/etc/xen/auto/{GUEST}.cfg": XL.format("/data"), "/etc/rc2.d/S21xendomains": ""}
    assert set(check(**answers, **guests)) == {"boot_autostart_without_gate"}
    assert set(check(**answers, **guests, **{"/etc/rc2.d/S20cloudops-boot-gate": ""})) == {"boot_ok"}
    assert set(check(**answers, **guests, **{"/etc/rc2.d/S22cloudops-boot-gate": ""})) == {"boot_gate_ineffective"}


def test_a_container_is_skipped_at_once():
    host = Replay({"/run/systemd/container": "lxc\n"})
    assert set(judged(boot.CHECK, host)) == {"component_absent"}
    assert set(judged(boot.CHECK, host, boot.Policy(required=True))) == {"component_required"}


def test_what_was_not_read_or_understood_is_unknown():
    bus = Answer("", stderr="Failed to connect to bus: No such file or directory", rc=1)
    assert set(check(**{STATE: bus, FAILED: bus, show(): bus})) == {"reading_failed"}
    refused = Answer("", stderr="No journal files were opened due to insufficient permissions.", rc=1)
    assert set(check(**{JOURNAL: refused})) == {"reading_denied"}
    assert set(check(**{JOURNAL: Problem.TIMEOUT})) == {"reading_timeout"}
    for source, answer in (
        (STATE, "fine\n"),
        (FAILED, "0 loaded\n"),
        (show(), "?\n"),
        (JOURNAL, "?\n"),
        ("/proc/uptime", ""),
    ):
        assert "reading_not_understood" in check(**{source: answer}), source
    assert "reading_not_understood" in check(**{JOURNAL: NO_BOOT, LAST: "?\n"})
    assert "reading_failed" in check(**{JOURNAL: NO_BOOT, LAST: Problem.FAILED})


def test_disks_are_read_from_every_form_a_configuration_has():
    old = "disk = [\n 'phy:/dev/vg1/web,xvda,w',\n \"tap:qcow2:/data/domu/web.qcow2,xvdb,w\" ]\nkernel = '/boot/x'\n"
    assert boot.parse_disk_paths(old) == ("/dev/vg1/web", "/data/domu/web.qcow2")
    assert boot.parse_disk_paths(XL.format("/data")) == (f"/data/domu/{GUEST}/current/disk.raw",)
    network = "<domain><source protocol='rbd' name='pool/web'/></domain>"
    assert boot.parse_disk_paths(network) == ("pool/web",)


def test_jobs_and_states_in_a_form_not_known_are_refused():
    for parse, text in (
        (boot.parse_running_jobs, "one two\n"),
        (boot.parse_system_state, ""),
        (boot.parse_runlevel, "N x\n"),
    ):
        with pytest.raises(NotUnderstood):
            parse(text)


@pytest.mark.parametrize(
    ("option", "given"),
    [("unclean_hours", {"unclean_hours": 0}), ("shared", {"shared": ("data",)}), ("units", {"units": ("a b",)})],
)
def test_a_policy_that_cannot_be_meant_is_refused_by_name(option, given):
    with pytest.raises(PolicyError) as refused:
        boot.Policy(**given)
    assert refused.value.option == option
