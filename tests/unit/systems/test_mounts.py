# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import (
    FSTAB,
    MOUNTINFO,
    parse_fstab,
    parse_mountinfo,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import mounts
from replay import Replay, by_code, judged, recording

NAS = "tcp 10.77.0.19:2049"
DEAD = Answer("", stderr="gave no answer within 3 s", problem=Problem.TIMEOUT)
STAT = "stat -f -c " + mounts.STAT_FORMAT + " "
STAT_NAS = STAT + "/data/iso /data/template"
LOOK = "unshare --mount sh -c " + mounts.LOOK_BELOW + " look-below "
# the order in which the lab's mount points are looked below: each on the file system that holds it
BELOW_ROOT = LOOK + "/ /data /data"
BELOW_DATA = LOOK + "/data /iso /data/iso /data /template /data/template"
UUID = "68e57c71-a66a-43fa-afbc-943214822558"
DEVICES = {
    "/sys/class/block/vda/dev": "254:0\n",
    "/sys/class/block/dm-0/dev": "253:0\n",
    "/sys/class/block/sdc/dev": "8:32\n",
    "/sys/block/dm-0/dm/name": "mpathb\n",
}
LINKS = {
    "/dev/mapper/mpathb": "../dm-0",
    f"/dev/disk/by-uuid/{UUID}": "../../dm-0",
    "/sys/dev/block/253:0": "../../devices/virtual/block/dm-0",
    "/sys/dev/block/8:32": "../../devices/pci0/block/sdc",
    "/sys/class/block/sdc/holders/dm-0": "../../../dm-0",
}
MOUNTED = recording("mounts/mountinfo-lab").stdout
ENTRIES = recording("mounts/fstab-lab").stdout


def fstab(text):
    return mounts.expected_at_boot(parse_fstab(text)[0])


def usage(path, used=10, inodes_used=10):
    return f"4096 100 {100 - used} {100 - used} 100 {100 - inodes_used} {path}\n"


def node(mounted=MOUNTED, fstab=ENTRIES, links=None, blocked=None, **changes):
    answers = {
        MOUNTINFO: mounted,
        FSTAB: fstab,
        NAS: "",
        STAT + "/": usage("/"),
        STAT + "/data": usage("/data", 42),
        STAT_NAS: usage("/data/iso") + usage("/data/template"),
        STAT + "/data/iso": usage("/data/iso"),
        STAT + "/data/template": usage("/data/template"),
        BELOW_ROOT: "/data\n",
        BELOW_DATA: "/data/iso\n/data/template\n",
        **DEVICES,
        **changes,
    }
    answers = {key: value for key, value in answers.items() if value is not None}
    links = {path: target for path, target in {**LINKS, **(links or {})}.items() if target is not None}
    return Replay(answers, links=links, blocked=blocked)


def without(*paths):
    return "".join(line for line in MOUNTED.splitlines(keepends=True) if line.split()[4] not in paths)


def check(host, *expected, **options):
    return judged(mounts.CHECK, host, mounts.Policy(mounts=expected, **options))


def expected(path, **options):
    return mounts.Expected(path, **options)


def test_a_node_with_all_its_mounts_is_ok():
    found = check(node())
    assert set(found) == {"mounts_ok"}
    assert found["mounts_ok"].values == {"mounts": 4, "fullest": "/data", "used": 42}


def test_mounts_in_the_policy_are_taken_with_what_fstab_adds():
    policy = (expected("/data", source=f"UUID={UUID}", fstype="ocfs2", options=("noatime", "_netdev")),)
    (one,) = [one for one in mounts.wanted(mounts.Policy(policy), fstab(ENTRIES)) if one.path == "/data"]
    assert (one.source, one.by, one.required) == (f"UUID={UUID}", "policy", ("noatime", "_netdev"))
    found = check(node(), expected("/data/template", source="10.77.0.19:/data/template"), expected("/data"))
    assert set(found) == {"mounts_ok"}


def test_an_entry_of_fstab_that_is_not_mounted_is_critical():
    found = check(node(without("/data/template")))
    assert set(found) == {"mounts_fstab_not_mounted"}
    finding = found["mounts_fstab_not_mounted"]
    assert finding.subject == "/data/template"
    assert finding.values == {"source": "10.77.0.19:/data/template"}
    assert finding.evidence[0] == "/etc/fstab: 10.77.0.19:/data/template /data/template nfs4"


def test_what_both_fstab_and_the_policy_have_is_told_as_fstabs_which_mount_can_use():
    found = check(node(without("/data/template")), expected("/data/template", source="10.77.0.19:/data/template"))
    assert set(found) == {"mounts_fstab_not_mounted"}


def test_a_mount_the_policy_expects_is_critical_when_missing():
    host = node(links={"/dev/disk/by-label/fast": "../../sdc"}, **{BELOW_ROOT + " / /data2 /data2": "/data\n/data2\n"})
    found = check(host, expected("/data2", source="LABEL=fast"))
    assert set(found) == {"mounts_missing"}
    assert found["mounts_missing"].subject == "/data2"
    assert found["mounts_missing"].values == {"source": "LABEL=fast"}


def test_a_mount_whose_device_is_gone_says_so():
    host = node(
        without("/data", "/data/iso", "/data/template"),
        fstab="/dev/mapper/mpathb /data ocfs2 _netdev 0 0\n",
        links=dict.fromkeys(LINKS),
        **{path: None for path in DEVICES if "dm-0" in path},
    )
    found = check(host)
    assert set(found) == {"mounts_device_missing"}
    assert found["mounts_device_missing"].values == {"source": "/dev/mapper/mpathb"}


def test_files_written_while_nothing_is_mounted_are_critical():
    host = node(
        without("/data", "/data/iso", "/data/template"),
        fstab="/dev/mapper/mpathb /data ocfs2 _netdev 0 0\n",
        **{BELOW_ROOT: "/data\ndomu/1/current/1.vhd\n"},
    )
    found = check(host)
    assert set(found) == {"mounts_fstab_not_mounted", "mounts_written_unmounted"}
    assert found["mounts_written_unmounted"].values == {"files": ["domu/1/current/1.vhd"], "parent": "/"}


def test_files_hidden_below_a_mount_point_are_named_with_where_they_lie():
    found = check(node(**{BELOW_DATA: "/data/iso\n/data/template\nold.img\nsub/older.img\n"}))
    assert set(found) == {"mounts_hidden_files"}
    finding = found["mounts_hidden_files"]
    assert finding.subject == "/data/template"
    assert finding.values == {"files": ["old.img", "sub/older.img"], "parent": "/data"}


def test_what_lies_below_is_looked_for_only_where_the_file_system_below_can_be_touched():
    host = node(blocked={Touches.OCFS2: "o2net is ill"})
    found = check(host)
    assert found["reading_blocked"].values["detail"] == "o2net is ill"
    assert STAT + "/" in host.asked


def test_an_ordinary_user_is_told_what_needs_root():
    denied = Answer("", stderr="unshare: unshare failed: Operation not permitted\n", rc=1)
    found = check(node(**{BELOW_ROOT: denied, BELOW_DATA: denied}))
    assert set(found) == {"reading_denied"}
    assert found["reading_denied"].values["reading"] == "files below /data"


def test_a_bind_mount_that_fails_is_unknown():
    failed = Answer("", stdout="/data/iso\n", stderr="mount: /sys: bind failed.\n", rc=0)
    found = check(node(**{BELOW_DATA: failed}))
    assert found["reading_failed"].values["reading"] == "files below /data/iso, /data/template"


def test_another_device_on_the_mount_point_is_critical():
    host = node(MOUNTED.replace("253:0 / /data ", "253:7 / /data ").replace("/dev/mapper/mpathb", "/dev/mapper/mpathz"))
    found = check(host)
    assert set(found) == {"mounts_wrong_source"}
    assert found["mounts_wrong_source"].values == {"found": "/dev/mapper/mpathz", "expected": "/dev/mapper/mpathb"}


def test_an_alias_that_moved_to_another_lun_is_noticed_by_the_device_number():
    assert set(check(node(MOUNTED.replace("253:0 / /data ", "253:7 / /data ")))) == {"mounts_wrong_source"}


def test_a_device_is_known_by_its_uuid_under_any_name():
    host = node(MOUNTED.replace("/dev/mapper/mpathb", "/dev/mapper/mpathx"))
    assert set(check(host, expected("/data", source=f"UUID={UUID}"))) == {"mounts_ok"}
    other = node(links={"/dev/disk/by-uuid/11111111-0000": "../../sdc"})
    found = check(other, expected("/data", source="UUID=11111111-0000-not-here"))
    assert set(found) == {"mounts_wrong_source"}


def test_a_uuid_that_leads_to_a_path_of_the_mounted_map_is_the_same_device():
    host = node(links={f"/dev/disk/by-uuid/{UUID}": "../../sdc"})
    assert set(check(host, expected("/data", source=f"UUID={UUID}"))) == {"mounts_ok"}


def test_a_file_system_mounted_past_its_map_is_the_wrong_device():
    host = node(MOUNTED.replace("253:0 / /data ", "8:32 / /data ").replace("/dev/mapper/mpathb", "/dev/sdc"))
    assert set(check(host)) == {"mounts_wrong_source"}


def test_a_uuid_that_cannot_be_looked_up_is_unknown():
    host = node(links={f"/dev/disk/by-uuid/{UUID}": None})
    found = check(host, expected("/data", source=f"UUID={UUID}"))
    assert set(found) == {"reading_absent"}


def test_a_label_with_a_blank_is_found_as_udev_writes_it():
    host = node(links={"/dev/disk/by-label/my\\x20data": "../../dm-0"})
    assert set(check(host, expected("/data", source="LABEL=my data"))) == {"mounts_ok"}


def test_a_volume_is_found_in_sysfs_where_udev_made_no_links():
    mounted = MOUNTED.replace("/dev/mapper/mpathb", "/dev/mapper/vg--a-lv1")
    host = node(mounted, **{"/sys/block/dm-0/dm/name": "vg--a-lv1\n"})
    assert set(check(host, expected("/data", source="/dev/vg-a/lv1"))) == {"mounts_ok"}


def test_another_type_of_file_system_is_critical():
    found = check(node(MOUNTED.replace(" - ocfs2 ", " - ext4 ")), expected("/data", fstype="ocfs2"))
    assert "mounts_wrong_type" in found
    assert found["mounts_wrong_type"].values["found"] == "ext4"


def test_nfs_in_fstab_may_be_mounted_as_nfs4():
    assert set(check(node(fstab=ENTRIES.replace(" nfs4 ", " nfs ")))) == {"mounts_ok"}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("10.77.0.19:/data/iso/", "mounts_ok"),
        ("[10.77.0.19]:/data/iso", "mounts_ok"),
        ("10.77.0.19:/data/iso2", "mounts_wrong_source"),
        ("10.77.0.20:/data/iso", "mounts_wrong_source"),
    ],
)
def test_an_export_is_compared_by_server_and_path(source, code):
    assert set(check(node(), expected("/data/iso", source=source))) == {code}


def test_options_the_policy_names_must_be_shown_by_the_kernel():
    found = check(node(), expected("/data", options=("noatime", "nodev", "_netdev", "x-systemd.automount")))
    assert set(found) == {"mounts_wrong_options"}
    assert found["mounts_wrong_options"].values == {"lacking": ["noatime", "nodev"]}


def test_a_file_system_that_became_read_only_is_critical_unless_it_should_be():
    host = MOUNTED.replace("/dev/mapper/mpathb rw,", "/dev/mapper/mpathb ro,")
    assert set(check(node(host))) == {"mounts_read_only"}
    assert set(check(node(host), expected("/data", options=("ro",)))) == {"mounts_ok"}


@pytest.mark.parametrize(
    ("used", "inodes", "code"),
    [
        (89, 89, "mounts_ok"),
        (90, 10, "mounts_filling"),
        (95, 10, "mounts_full"),
        (100, 10, "mounts_full"),
        (10, 90, "mounts_inodes_filling"),
        (10, 100, "mounts_inodes_full"),
    ],
)
def test_space_and_inodes_are_judged_by_thresholds(used, inodes, code):
    assert set(check(node(**{STAT + "/": usage("/", used, inodes)}))) == {code}


def test_thresholds_are_the_policys():
    host = node(**{STAT + "/": usage("/", 60)})
    assert set(check(host, used_warning=50, used_critical=60)) == {"mounts_full"}


def test_inodes_of_ocfs2_are_its_clusters_and_not_judged_twice():
    assert set(check(node(**{STAT + "/data": usage("/data", 92, 92)}))) == {"mounts_filling"}


def test_what_only_root_may_use_is_not_free():
    # 100 blocks, 10 free, 5 of them for root: df says 90 of 95 are used
    (one,) = mounts.parse_usage("4096 100 10 5 0 0 /\n")
    assert (one.used_percent, one.free_bytes, one.inodes_used_percent) == (95, 5 * 4096, 0)


def test_a_dead_nfs_server_is_named_and_nothing_of_it_is_touched():
    host = node(**{NAS: DEAD})
    found = check(host)
    assert set(found) == {"mounts_server_dead"}
    finding = found["mounts_server_dead"]
    assert finding.subject == "10.77.0.19"
    assert finding.values["paths"] == ["/data/iso", "/data/template"]
    assert not any("stat" in asked and "/data/iso" in asked for asked in host.asked)
    assert mounts.TABLE["mounts_server_dead"].blocks


def test_a_dead_server_is_named_for_what_is_not_mounted_because_of_it():
    fstab = "10.77.0.19:/data/iso /mnt/iso nfs4 _netdev 0 0\n"
    look = LOOK + "/ /mnt/iso /mnt/iso"
    host = node(without("/data", "/data/iso", "/data/template"), fstab, **{NAS: DEAD, look: "/mnt/iso\n"})
    assert set(check(host)) == {"mounts_server_dead", "mounts_fstab_not_mounted"}


def test_a_server_named_in_fstab_is_looked_up_with_a_deadline():
    fstab = "nas1:/iso /mnt/iso nfs4 _netdev 0 0\n"
    look = {LOOK + "/ /mnt/iso /mnt/iso": "/mnt/iso\n", NAS: DEAD}
    bare = without("/data", "/data/iso", "/data/template")
    found = check(node(bare, fstab, **look, **{"getent ahosts nas1": "10.77.0.19      STREAM nas1\n"}))
    assert found["mounts_server_dead"].subject == "10.77.0.19"
    found = check(node(bare, fstab, **look, **{"getent ahosts nas1": Answer("", rc=2)}))
    assert set(found) == {"reading_failed", "mounts_fstab_not_mounted"}


def test_a_server_not_used_over_tcp_is_unknown_and_left_alone():
    host = node(MOUNTED.replace("proto=tcp", "proto=udp"), **{NAS: DEAD})
    found = check(host)
    assert set(found) == {"reading_timeout"}
    assert not any("stat" in asked and "/data/iso" in asked for asked in host.asked)


def test_a_server_on_another_port_is_asked_there():
    host = node(MOUNTED.replace("proto=tcp", "proto=tcp,port=20490"), **{"tcp 10.77.0.19:20490": ""})
    assert set(check(host)) == {"mounts_ok"}


def test_nfs_that_nobody_expects_matters_for_its_server_alone():
    host = node(fstab="", **{NAS: DEAD, STAT + "/": usage("/"), STAT + "/data": usage("/data")})
    assert set(check(host)) == {"mounts_server_dead"}


@pytest.mark.parametrize(
    "said",
    [
        "stat: cannot read file system information for '/data/iso': Stale file handle",
        # coreutils 8.13, Linux 3.2
        "stat: cannot read file system information for `/data/iso': Stale NFS file handle",
    ],
)
def test_a_stale_handle_is_critical(said):
    answer = Answer("", stdout=usage("/data/template"), stderr=said + "\n", rc=1)
    found = check(node(**{STAT_NAS: answer}))
    assert set(found) == {"mounts_unreadable"}
    assert found["mounts_unreadable"].subject == "/data/iso"


def test_a_folder_an_ordinary_user_may_not_pass_is_unknown():
    said = "stat: cannot read file system information for '/data/iso': Permission denied\n"
    answer = Answer("", stdout=usage("/data/template"), stderr=said, rc=1)
    assert set(check(node(**{STAT_NAS: answer}))) == {"reading_denied"}


def test_a_file_system_that_gives_no_answer_is_unknown():
    found = check(node(**{STAT_NAS: Problem.TIMEOUT}))
    assert set(found) == {"reading_timeout"}


def test_everything_on_ocfs2_waits_for_ocfs2_even_nfs():
    tree = mounts.Tree(parse_mountinfo(MOUNTED))
    assert tree.touches("/data/iso/x") is Touches.OCFS2
    assert tree.touches("/data2") is Touches.NOTHING
    assert [one.path for one in tree.route("/data/iso/x")] == ["/", "/data", "/data/iso"]


def test_each_server_and_each_kind_of_disk_is_asked_apart():
    mounted = (
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /boot rw - ext4 /dev/sda2 rw\n"
        "3 1 0:9 / /tmp rw - tmpfs tmpfs rw\n"
        "4 1 0:41 / /a rw - nfs4 10.0.0.1:/a rw,addr=10.0.0.1\n5 1 0:42 / /b rw - nfs4 10.0.0.2:/b rw,addr=10.0.0.2\n"
        "6 1 0:43 / /pool rw - zfs pool rw\n"
    )
    host = node(
        mounted,
        "x /boot ext4 x 0 0\nx /tmp tmpfs x 0 0\n10.0.0.1:/a /a nfs4 x\n10.0.0.2:/b /b nfs4 x\npool /pool zfs x\n",
        **{"tcp 10.0.0.1:2049": "", "tcp 10.0.0.2:2049": ""},
    )
    mounts.probe(host, mounts.Policy())
    asked = [source[len(STAT) :] for source in host.asked if source.startswith(STAT)]
    assert asked == ["/tmp /", "/boot /pool", "/a", "/b"]


def test_a_mount_covered_by_a_later_one_is_critical():
    # /data/iso was mounted first, on the root file system, and /data over it
    mounted = "".join(
        line.replace(line.split()[1], "25", 1) if line.split()[4] == "/data/iso" else line
        for line in MOUNTED.splitlines(keepends=True)
    )
    assert mounted != MOUNTED
    found = check(node(mounted, **{LOOK + "/data /template /data/template": "/data/template\n"}))
    assert set(found) == {"mounts_hidden_mount"}
    assert found["mounts_hidden_mount"].subject == "/data/iso"
    assert found["mounts_hidden_mount"].values == {"source": "10.77.0.19:/data/iso", "over": "/data"}


def test_an_automount_that_waits_for_its_first_use_proves_nothing_yet():
    mounted = without("/data/iso") + "400 163 0:50 / /data/iso rw - autofs systemd-1 rw,fd=30\n"
    host = node(mounted, **{LOOK + "/data /template /data/template": "/data/template\n"})
    assert check(host)["mounts_automount_waits"].subject == "/data/iso"
    assert not any("/data/iso" in asked for asked in host.asked)
    auto = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n30 1 0:50 / /a rw - autofs systemd-1 rw\n"
    assert "mounts_device_missing" in check(node(auto, "/dev/sda9 /a ext4 x-systemd.automount 0 0\n"))


def test_an_automount_in_use_is_looked_at_below_its_trigger():
    auto = "30 1 0:50 / /a rw - autofs systemd-1 rw\n31 30 8:5 / /a rw - ext4 /dev/sda5 rw\n"
    mounted = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n" + auto
    answers = {"/sys/class/block/sda5/dev": "8:5\n", STAT + "/a": usage("/a"), LOOK + "/ /a /a": "/a\nx\n"}
    host = node(mounted, "/dev/sda5 /a ext4 x-systemd.automount 0 0\n", **answers)
    assert set(check(host)) == {"mounts_hidden_files"}


def test_a_mount_point_may_be_named_through_a_link():
    fstab = "/dev/mapper/mpathb /srv/data ocfs2 _netdev 0 0\n"
    host = node(without("/data/iso", "/data/template"), fstab, **{"readlink -m -- /srv/data": "/data\n"})
    assert set(check(host)) == {"mounts_ok"}


def test_a_bind_mount_is_known_by_the_file_system_it_shows():
    line = "500 25 253:0 /iso /iso rw - ocfs2 /dev/mapper/mpathb rw\n"
    fstab = "/data/iso0 /iso none bind 0 0\n"
    bare = without("/data/iso", "/data/template")
    assert set(check(node(bare + line, fstab, **{STAT + "/iso": usage("/iso")}))) == {"mounts_ok"}
    wrong = line.replace("253:0", "8:9")
    assert set(check(node(bare + wrong, fstab, **{STAT + "/iso /data": usage("/iso") + usage("/data")}))) == {
        "mounts_wrong_source"
    }


LINK = "readlink -v -- /data/iso"
TARGET = "stat -L -c %F -- /data/iso"


def linked(**answers):
    host = node(without("/data/iso"), **{LOOK + "/data /template /data/template": "/data/template\n"}, **answers)
    return check(host, expected("/data/iso", link="/data2/iso/"))


@pytest.mark.parametrize("target", ["/data2/iso\n", "../data2/iso\n"])
def test_a_link_that_leads_where_it_should_is_ok(target):
    assert set(linked(**{LINK: target, TARGET: "directory\n"})) == {"mounts_ok"}


def test_a_link_that_leads_elsewhere_is_critical():
    found = linked(**{LINK: "/data3/iso\n"})
    assert found["mounts_link_wrong"].values == {"expected": "/data2/iso", "found": "/data3/iso"}


def test_a_folder_in_place_of_a_link_is_critical():
    found = linked(**{LINK: Answer("", stderr="readlink: /data/iso: Invalid argument\n", rc=1)})
    assert found["mounts_link_wrong"].values["found"] == "readlink: /data/iso: Invalid argument"


def test_a_link_into_a_file_system_that_is_not_mounted_is_critical():
    gone = Answer("", stderr="stat: cannot statx '/data/iso': No such file or directory\n", rc=1)
    found = linked(**{LINK: "/data2/iso\n", TARGET: gone})
    assert found["mounts_link_dangling"].values["target"] == "/data2/iso"


@pytest.mark.parametrize("answers", [{LINK: Problem.TIMEOUT}, {LINK: "/data2/iso\n", TARGET: Problem.TIMEOUT}])
def test_a_link_that_gives_no_answer_is_unknown(answers):
    assert set(linked(**answers)) == {"reading_timeout"}


def test_a_link_on_a_dead_server_is_not_followed():
    policy = (expected("/data/iso/x", link="/srv/x"), expected("/srv/y", link="/data/iso/y"))
    host = node(**{NAS: DEAD, "readlink -v -- /srv/y": "/data/iso/y\n"})
    assert set(check(host, *policy)) == {"mounts_server_dead", "reading_blocked"}
    assert not any(asked.startswith("stat -L") for asked in host.asked)


def test_a_node_with_nothing_to_mount_is_skipped_but_its_root_is_looked_at():
    bare = "25 1 254:0 / / rw - ext4 /dev/vda rw\n"
    assert set(check(node(bare, None))) == {"component_absent"}
    assert set(check(node(bare, None, **{STAT + "/": usage("/", 99)}))) == {"mounts_full"}


def test_fstab_may_be_left_out():
    assert [one.path for one in mounts.wanted(mounts.Policy(fstab=False), fstab(ENTRIES))] == []


def test_entries_that_nothing_mounts_at_boot_are_not_expected():
    text = (
        "# a comment\n\nUUID=1 none swap sw 0 0\nproc /proc proc defaults 0 0\n/dev/sr0 /cdrom udf noauto,ro 0 0\n"
        "tmpfs /tmp tmpfs defaults\nUUID=2 /my\\040data ext4\n"
    )
    assert [(one.path, one.fstype) for one in fstab(text)] == [("/tmp", "tmpfs"), ("/my data", "ext4")]


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({MOUNTINFO: Problem.DENIED}, {"reading_denied"}),
        ({MOUNTINFO: "garbage\n"}, {"reading_not_understood"}),
        ({FSTAB: Problem.DENIED}, {"reading_denied"}),
        ({FSTAB: "/dev/sda1 /x\n"}, {"reading_not_understood"}),
        ({STAT + "/": "4096 x\n"}, {"reading_not_understood"}),
        ({BELOW_ROOT: "bash: oops\n"}, {"reading_not_understood"}),
    ],
)
def test_what_cannot_be_read_is_unknown(changes, codes):
    assert codes <= set(check(node(**changes)))


@pytest.mark.parametrize(
    "build",
    [
        lambda: expected("data"),
        lambda: expected("/data/../etc"),
        lambda: expected("/data", link="iso"),
        lambda: expected("/data", link="/x", fstype="nfs"),
        lambda: mounts.Policy(used_warning=96),
        lambda: mounts.Policy(inodes_warning=0),
        lambda: mounts.Policy(server_timeout=0),
        lambda: mounts.Policy(mounts=(expected("/data"), expected("/data/"))),
    ],
)
def test_options_that_cannot_be_meant_are_refused(build):
    with pytest.raises(PolicyError):
        build()


def test_findings_do_not_hide_each_other():
    mounted = MOUNTED.replace("/dev/mapper/mpathb rw,", "/dev/mapper/mpathb ro,")
    policy = mounts.Policy(mounts=(expected("/data", options=("noatime",)),))
    host = node(mounted, **{NAS: DEAD, STAT + "/": usage("/", 99), BELOW_ROOT: "/data\nlost\n"})
    found = by_code(mounts.CHECK, mounts.judge(mounts.probe(host, policy), policy))
    assert set(found) == {
        "mounts_server_dead",
        "mounts_full",
        "mounts_read_only",
        "mounts_wrong_options",
        "mounts_hidden_files",
    }


def test_facts_are_json():
    assert json.dumps(plain(mounts.probe(node(), mounts.Policy())))


@pytest.mark.parametrize(
    ("mounted", "fstab", "code"),
    [
        ("2 1 0:30 / /mnt rw - btrfs /dev/sdc rw\n", "/dev/sdc /mnt btrfs x 0 0\n", "mounts_ok"),
        ("2 1 0:30 / /mnt rw - btrfs /dev/vda rw\n", "/dev/sdc /mnt btrfs x 0 0\n", "mounts_wrong_source"),
        ("2 1 0:30 / /mnt rw - overlay overlay rw\n", "/dev/sdc /mnt auto x 0 0\n", "mounts_wrong_source"),
        ("2 1 0:30 / /mnt rw - tmpfs tmpfs rw\n", "none /mnt tmpfs x 0 0\n", "mounts_ok"),
        ("2 1 0:30 / /mnt rw - fuse.sshfs a:/x rw\n", "b:/x /mnt fuse.sshfs x 0 0\n", "mounts_wrong_source"),
    ],
)
def test_file_systems_without_a_device_number_are_known_by_their_source(mounted, fstab, code):
    root = "1 0 254:0 / / rw - ext4 /dev/vda rw\n"
    answers = {
        STAT + "/mnt": usage("/mnt"),
        STAT + "/mnt /": usage("/mnt") + usage("/"),
        LOOK + "/ /mnt /mnt": "/mnt\n",
    }
    assert set(check(node(root + mounted, fstab, **answers))) == {code}
