# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import vm_config
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.vm_config import Config, Disk, Nic, Saved
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display
from replay import Replay, recording

UUID = "22222222-0000-0000-0000-000000000002"
OTHER = "33333333-0000-0000-0000-000000000003"
FOLDER = f"/data/domu/{UUID}/current"
CFG = recording("vm_config/guest-net").stdout


def config(uuid, **changes):
    lines = {"name": uuid, "uuid": uuid, **changes}
    return "".join(f'{name} = "{value}"\n' for name, value in lines.items())


def test_a_guest_of_the_lab_is_read_whole():
    assert vm_config.parse_config(CFG) == Config(
        uuid=UUID,
        name=UUID,
        display=None,
        memory_mib=128,
        vcpus=1,
        disks=(Disk(f"{FOLDER}/{UUID}.raw", "raw", "xvda"),),
        nics=(Nic("00:16:3e:00:00:02", "xenbr0"),),
        kernel="/boot/vmlinux-guest",
        ramdisk="/boot/initrd-guest-net",
    )


@pytest.mark.parametrize(
    ("text", "display"),
    [
        ('vfb = [ "vnc=1,vnclisten=0.0.0.0,vncdisplay=50" ]', 50),
        ('vfb = [ "vnc=0,vncdisplay=50" ]', None),
        ('vfb = [ "sdl=1", "type=vnc, vncdisplay = 51" ]', 51),
        ("vnc = 1\nvncdisplay = 52", 52),
        ("vncdisplay = '53'; vnc='1'", 53),
        ("vnc = 0\nvncdisplay = 52", None),
        ('vfb = [ "vnc=1,vncunused=1" ]', None),
        ("vnc = 1", None),
    ],
)
def test_the_display_is_where_the_guest_has_its_frame_buffer(text, display):
    assert vm_config.parse_config(text).display == (None if display is None else Display(display))


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ('vfb = [ "vnc=1,vncdisplay=50,vncunused=0" ]', 'vfb = [ "vnc=1,vncdisplay=61,vncunused=0" ]'),
        ("vnc = 1\nvncdisplay = 52  # 50", "vnc = 1\nvncdisplay = 61  # 50"),
        ("vncdisplay = '53'; vnc='1'", "vncdisplay = '61'; vnc='1'"),
        ("# vncdisplay=50\nvncdisplay = 50", "# vncdisplay=50\nvncdisplay = 61"),
        ('vfb = [ "vnc=0,vncdisplay=50", "vncdisplay=50" ]', 'vfb = [ "vnc=0,vncdisplay=50", "vncdisplay=61" ]'),
    ],
)
def test_the_display_is_changed_and_nothing_else(text, changed):
    assert vm_config.with_display(config(UUID) + text, Display(61)) == config(UUID) + changed


@pytest.mark.parametrize("text", ["", "vnc = 0\nvncdisplay = 52", "# vncdisplay=50", "vncdisplay = 61", "vncdisplay"])
def test_a_display_that_cannot_be_changed_alone_is_refused(text):
    with pytest.raises(NotUnderstood):
        vm_config.with_display(text, Display(61))


@pytest.mark.parametrize(
    ("spec", "disk"),
    [
        # by name; the target is last and may hold commas
        ("format=qcow2,vdev=xvda,access=rw,target=/a,b.qcow2", Disk("/a,b.qcow2", "qcow2", "xvda")),
        ("vdev=xvdb, access=ro, format=vhd, target=/a.vhd", Disk("/a.vhd", "vhd", "xvdb", False)),
        ("backendtype=qdisk,vdev=xvda,target=/a", Disk("/a", "raw", "xvda")),
        ("devtype=cdrom,vdev=hdc,target=/a.iso", Disk("/a.iso", "raw", "hdc", False, True)),
        ("vdev=xvda,target=/a,", Disk("/a", "raw", "xvda")),
        ("format=empty,vdev=hdc,cdrom", Disk(None, "empty", "hdc", False, True)),
        # by position
        ("/a.qcow2,qcow2,xvda,w", Disk("/a.qcow2", "qcow2", "xvda")),
        ("/dev/vg/guest-volume,,hda", Disk("/dev/vg/guest-volume", "raw", "hda")),
        ("/a.iso,raw,hdc:cdrom,r", Disk("/a.iso", "raw", "hdc", False, True)),
        (",,hdc,cdrom", Disk(None, "empty", "hdc", False, True)),
        ("/a.raw,vdev=xvda,discard", Disk("/a.raw", "raw", "xvda")),
        # with a prefix of old
        ("phy:/dev/vg/guest,xvda,w", Disk("/dev/vg/guest", "raw", "xvda")),
        ("file:/a.raw, xvda, r", Disk("/a.raw", "raw", "xvda", False)),
        ("tap:qcow2:/a.qcow2,xvda,w", Disk("/a.qcow2", "qcow2", "xvda")),
        ("tap2:tapdisk:aio:/a.raw,hda,w", Disk("/a.raw", "raw", "hda")),
        ("devtype=cdrom,vdev=hdc,file:/a.iso", Disk("/a.iso", "raw", "hdc", False, True)),
        ("iscsi:/iqn,xvda,w", Disk("/iqn", "raw", "xvda")),
        ("vhd:/a.vhd,xvda,rw", Disk("/a.vhd", "vhd", "xvda")),
        ("phy:/dev/cdrom,hdc:cdrom,r", Disk("/dev/cdrom", "raw", "hdc", False, True)),
    ],
)
def test_a_disk_is_read_in_every_form_that_xl_takes(spec, disk):
    assert vm_config.parse_disk(spec) == disk


@pytest.mark.parametrize(
    "spec", ["", "format=raw,vdev=xvda", "/a,vmdk,xvda,w", "/a,raw,xvda,x", "/a,raw,xvda,w,more", "/a", "vdev=xvda"]
)
def test_a_disk_that_xl_would_refuse_is_not_understood(spec):
    with pytest.raises(NotUnderstood, match="disk: "):
        vm_config.parse_disk(spec)


def test_the_syntax_is_that_of_xl():
    text = (
        "# a comment\n"
        "name = 'it\\'s'; memory=0x80 # MiB\n"
        "\r\n"
        "disk = [\n  'a',\n  \"b\\x41\\101\\n\", # the last comma is allowed\n]\n"
        "nested = [ [ '1', 2 ], [] ]\n"
        "name += ' web'\ndisk += [ 'c' ]\nvcpus += 2\n"
        "name2 = 'first'\nname2 = 'second'"
    )
    assert vm_config.parse_values(text) == {
        "name": "it's web",
        "memory": "0x80",
        "disk": ["a", "bAA\n", "c"],
        "nested": [["1", "2"], []],
        "vcpus": "2",
        "name2": "second",
    }
    assert vm_config.parse_config("memory='0x80'").memory_mib == 128


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "name = os.popen('id').read()",
        "name = 'a' 'b'",
        "name =",
        "name",
        "name 'a'",
        "= 'a'",
        "name = 'a\n'",
        "disk = [ 'a' 'b' ]",
        "disk = [ 'a'",
        "disk = [ , ]",
        "a = " + "[" * 100,
        "name = 'a'\nname += [ 'b' ]",
        "memory = [ 1 ]",
        "memory = 'much'",
        "memory = -5",
        "uuid = 'none'",
        "vif = [ 'mac=1' ]",
        "vif = 'mac=00:16:3e:00:00:02'",
        "disk = [ 5, [ ] ]",
        "vncdisplay = 99999",
        "def f(): pass",
    ],
)
def test_what_xl_would_refuse_is_not_understood_and_nothing_is_executed(text):
    with pytest.raises(NotUnderstood):
        vm_config.parse_config(text)


def test_a_nic_may_leave_everything_to_xen():
    assert vm_config.parse_nic("") == Nic()
    assert vm_config.parse_nic("mac=00:16:3E:00:00:07, bridge=ovsbr0,script=vif-openvswitch") == Nic(
        "00:16:3e:00:00:07", "ovsbr0", "vif-openvswitch"
    )


@pytest.fixture
def host(tmp_path):
    return LocalHost(runtime_directory=str(tmp_path / "run"))


def place(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_every_config_below_the_roots_is_read_through_links_and_once(host, tmp_path):
    root, second = tmp_path / "domu", tmp_path / "domu2"
    first = place(root / UUID / "current" / f"{UUID}.cfg", config(UUID))
    place(second / OTHER / "current" / f"{OTHER}.cfg", config(OTHER, memory="64"))
    (root / OTHER).symlink_to(second / OTHER)
    (root / UUID / "current" / "loop").symlink_to(root)
    (root / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "root").symlink_to(root)
    facts = vm_config.probe(host, [str(root), str(second), str(tmp_path / "root")], Touches.DISKS)
    assert facts.missing == ()
    assert facts.roots == (str(root), str(second), str(root))
    assert {(one.path, one.uuid, one.memory_mib) for one in facts.configs} == {
        (first, UUID, None),
        (str(root / OTHER / "current" / f"{OTHER}.cfg"), OTHER, 64),
    }


def test_saved_states_are_known_by_their_head_and_told_with_their_vm(host, tmp_path):
    head = b'Xen saved domain, xl format\n \0 \r{"c_info": {"uuid": "%s"}}' % UUID.encode()
    mine = place(tmp_path / "a.save", head)
    nameless = place(tmp_path / "b.chk", b"Xen saved domain, xl format\n \0 \r\0\0")
    place(tmp_path / "c.save", "no such thing")
    facts = vm_config.probe(host, [str(tmp_path)], Touches.DISKS)
    assert facts.saved == (Saved(mine, UUID), Saved(nameless))


def test_a_root_that_is_not_there_is_missing_and_not_empty(host, tmp_path):
    facts = vm_config.probe(host, [str(tmp_path / "domu")], Touches.DISKS)
    assert [(one.reading, one.problem) for one in facts.missing] == [(str(tmp_path / "domu"), Problem.FAILED)]


def test_a_config_that_cannot_be_meant_or_is_too_large_is_missing_by_its_path(host, tmp_path):
    python = place(tmp_path / "a" / "old.cfg", "disk = [ 'phy:%s,xvda,w' % path ]\n")
    large = place(tmp_path / "a" / "large.cfg", "#" * 70000)
    facts = vm_config.probe(host, [str(tmp_path)], Touches.DISKS)
    assert {(one.reading, one.problem) for one in facts.missing} == {
        (python, Problem.NOT_UNDERSTOOD),
        (large, Problem.FAILED),
    }


def test_where_xendomains_saves_to_is_read_from_its_settings():
    answer = json.dumps({"configs": [], "saved": [["/data/saved/web", None]], "problems": [], "roots": []})
    settings = "XENDOMAINS_SAVE=/var/a\n# XENDOMAINS_SAVE=/b\nXENDOMAINS_SAVE='/data/saved' # ours\n"
    order = json.dumps({"roots": ["/data/domu"], "saved": ["/data/saved", "/data/saved-set-aside"], "depth": 4})
    walk = f"python3 -I -S -c {vm_config.WALK} {order}"
    host = Replay({walk: answer, "/etc/default/xendomains": settings})
    assert vm_config.probe(host, ["/data/domu"], Touches.OCFS2).saved == (Saved("/data/saved/web"),)
    assert vm_config.parse_saved_folder('XENDOMAINS_SAVE=""\n') == ""
    assert vm_config.parse_saved_folder("") == vm_config.SAVED


def test_an_ill_volume_is_not_walked():
    host = Replay({}, blocked={Touches.OCFS2: "n2 does not answer"})
    (lost,) = vm_config.probe(host, ["/data/domu"], Touches.OCFS2).missing
    assert (lost.reading, lost.problem, lost.detail) == (
        "images below /data/domu",
        Problem.BLOCKED,
        "n2 does not answer",
    )


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"configs": [[1]], "saved": [], "problems": []}', '{"configs": [], "saved": [["/a", "x"]]}'],
)
def test_a_walk_that_was_cut_short_is_not_understood(text):
    with pytest.raises(NotUnderstood):
        vm_config.parse_tree(text)
