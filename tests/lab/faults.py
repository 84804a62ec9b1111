# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of the node lab."""

from __future__ import annotations

import remote
from fault import (
    Fault,
    Step,
    address,
    back_in_service,
    carrier,
    crash,
    kernel_says,
    monitor,
    named,
    on_node,
    plug,
    power_on,
    reconnect,
    table,
    together,
    unplug,
)
from lifecycle import START_API, Lab
from topology import GATEWAY, NODE_LAB, PREFIX_LENGTH


def on_san(script: str) -> Step:
    def step(lab: Lab, name: str) -> None:
        remote.script("san", named(name, script))

    return step


def reboot(trigger: str) -> Step:
    """Reboot without a shutdown: sysrq b at once, sysrq c by a panic."""

    def step(lab: Lab, name: str) -> None:
        boot_id = remote.script(name, "cat /proc/sys/kernel/random/boot_id")
        remote.script(name, f"journalctl --sync; (sleep 0.5; echo {trigger} > /proc/sysrq-trigger) > /dev/null 2>&1 &")
        remote.forget_connection(name)
        lab.await_other_boot(name, boot_id)
        lab.back_in_service(name)

    return step


# Taking the lines back: the log is all that is left of these faults. The node is as after its first boot again.
FORGET_LOGS = on_node(
    "dmesg --clear\n"
    "utmpdump /var/log/wtmp 2> /dev/null | grep reboot | tail -n 1 | utmpdump -r > /run/wtmp 2> /dev/null\n"
    "cat /run/wtmp > /var/log/wtmp\n"
    "sleep 1; journalctl --quiet --rotate --vacuum-time=1s"
)

# Scripts that several faults share

_DROP_VG1 = """
for direction in s d; do
    case $direction in s) chain=INPUT port=--dport ;; d) chain=OUTPUT port=--sport ;; esac
    for fabric in 1 2; do
        iptables --wait $action $chain -$direction 10.77.$fabric.1$number -p tcp $port 3260 -j DROP
    done
done
"""
_LEAVE_CLUSTER = (
    "for mount in /data/template /data/iso /data; do ! findmnt -n $mount > /dev/null || umount $mount; done\n"
    "SYSTEMCTL_SKIP_REDIRECT=1 /etc/init.d/o2cb offline ocfs2\n"
)
_MOUNT_ALL = "for mount in /data /data/template /data/iso; do findmnt -n $mount > /dev/null || mount $mount; done\n"
_JOIN_CLUSTER = "SYSTEMCTL_SKIP_REDIRECT=1 /etc/init.d/o2cb online ocfs2\n" + _MOUNT_ALL
_THRESHOLD = "sed -i 's/^O2CB_HEARTBEAT_THRESHOLD=.*/O2CB_HEARTBEAT_THRESHOLD={}/' /etc/default/o2cb\n"
_LOOK_FOR_ERRORS = "echo {} > /sys/devices/system/machinecheck/machinecheck0/check_interval"
_KEEP_OVSDB_DOWN = "/run/systemd/system/ovsdb-server.service.d"
_STANDBY = """
cd /sys/kernel/config/target/core/iblock_0/vg1-first/alua
mkdir -p standby && cd standby
[ "$(cat tg_pt_gp_id)" = 1 ] || echo 1 > tg_pt_gp_id
echo 1 > alua_access_type
echo 2 > alua_access_state
echo standby > /sys/kernel/config/target/iscsi/iqn.2026-01.lab.hypervisor:san.vg1/tpgt_2/lun/lun_0/alua_tg_pt_gp
"""
_OPTIMIZED = """
lun=/sys/kernel/config/target/iscsi/iqn.2026-01.lab.hypervisor:san.vg1/tpgt_2/lun/lun_0
echo default_tg_pt_gp > $lun/alua_tg_pt_gp
"""
_GUEST = "0b7d3a52-6c1e-4f0a-9d52-8f2c5a1e7b10"


FAULTS = table(
    NODE_LAB,
    (
        # multipath and LVM
        Fault(
            "path_lost",
            "portal B of the SAN goes silent for the node: one of two paths of every map",
            unplug("eth2"),
            plug("eth2"),
            visible=20,
        ),
        Fault(
            "path_missing",
            "portal B of vg1 is logged out: two maps have one path each, none is failed",
            on_node("iscsiadm -m node -T iqn.2026-01.lab.hypervisor:san.vg1 -p 10.77.2.19:3260 --logout"),
            on_node(
                "iscsiadm -m session | grep -q '10.77.2.19:3260.*san.vg1' ||"
                " iscsiadm -m node -T iqn.2026-01.lab.hypervisor:san.vg1 -p 10.77.2.19:3260 --login"
            ),
            visible=3,
        ),
        Fault(
            "path_ghost",
            "portal B of mpatha's LUN is an ALUA standby port: its paths are ghosts (on both nodes)",
            on_san(_STANDBY),
            on_san(_OPTIMIZED),
            # a path that is well is looked at every 20 s
            visible=25,
        ),
        Fault(
            "all_paths_lost",
            "both portals of vg1 go silent: its maps queue, whatever reads them hangs",
            on_san("action=--insert" + _DROP_VG1),
            on_san("action=--delete" + _DROP_VG1),
            visible=20,
        ),
        Fault(
            "all_paths_lost_failing",
            "both portals of vg1 go silent and its maps do not queue: reads fail at once",
            together(
                on_san("action=--insert" + _DROP_VG1),
                # With each path that fails multipathd loads the map anew, and lets it queue again.
                on_node(
                    "for try in $(seq 40); do\n"
                    "    multipathd show paths raw format '%m %t' | grep '^mpath[ac] ' | grep -qv failed || break\n"
                    "    sleep 1\n"
                    "done\n"
                    "for map in mpatha mpathc; do multipathd disablequeueing map $map; done"
                ),
            ),
            together(
                on_san("action=--delete" + _DROP_VG1),
                on_node("for map in mpatha mpathc; do multipathd restorequeueing map $map; done"),
            ),
            visible=2,
        ),
        Fault(
            "storage_lost",
            "both portals go silent for everything: o2cb restarts the node after 2 x (threshold - 1) = 60 s",
            unplug("eth1", "eth2"),
            together(plug("eth1", "eth2"), back_in_service),
            visible=20,
            heals=240,
        ),
        Fault(
            "multipathd_stopped",
            "the daemon is stopped; the maps work on, nobody checks their paths",
            on_node("systemctl stop multipathd.socket multipathd.service"),
            on_node("systemctl start multipathd.socket multipathd.service"),
        ),
        Fault(
            "pv_gone",
            "the second PV of vg1 is gone, map and paths",
            on_node(
                "slaves=$(ls /sys/block/$(basename $(readlink /dev/mapper/mpathc))/slaves)\n"
                "multipath -f mpathc\n"
                "for path in $slaves; do echo 1 > /sys/block/$path/device/delete; done"
            ),
            # a session that was cut a moment ago is not logged in yet, and a scan of it finds nothing
            on_node(
                "for try in $(seq 20); do\n"
                "    timeout 20 iscsiadm -m session --rescan || true\n"
                '    [ "$(ls -d /sys/class/iscsi_session/*/device/target*/*:*/block/* | wc -l)" -lt 6 ] || break\n'
                "    sleep 1\n"
                "done",
                timeout=450,
            ),
        ),
        # Network
        Fault(
            "slave_down",
            "the active slave of bond0 loses its carrier",
            carrier(False, "eth3"),
            carrier(True, "eth3"),
            visible=1,
        ),
        Fault(
            "both_slaves_down",
            "both slaves of bond0 lose their carrier",
            carrier(False, "eth3", "eth4"),
            carrier(True, "eth3", "eth4"),
            visible=1,
        ),
        Fault(
            "cable_pulled",
            "eth6, the port of xenbr2, loses its carrier",
            carrier(False, "eth6"),
            carrier(True, "eth6"),
            visible=1,
        ),
        Fault(
            "ovs_port_missing_device",
            "xenbr0 has a port whose device does not exist",
            on_node("ovs-vsctl --timeout=10 --may-exist add-port xenbr0 eth9 || true"),
            on_node("ovs-vsctl --timeout=10 --if-exists del-port xenbr0 eth9"),
        ),
        Fault(
            "ovs_daemon_killed",
            "ovsdb-server is dead and is not started again; the flows stay",
            on_node(
                f"mkdir -p {_KEEP_OVSDB_DOWN}; printf '[Service]\\nRestart=no\\n' > {_KEEP_OVSDB_DOWN}/lab.conf\n"
                # Without its database ovs-vswitchd spins, at nice -10: one CPU would have nothing left for the check.
                "renice --priority 19 $(pidof ovs-vswitchd)\n"
                "systemctl daemon-reload; systemctl kill --signal=KILL ovsdb-server"
            ),
            on_node(
                f"rm -rf {_KEEP_OVSDB_DOWN}; systemctl daemon-reload\n"
                "systemctl start ovsdb-server ovs-vswitchd; systemctl reset-failed\n"
                "renice --priority -10 $(pidof ovs-vswitchd)"
            ),
        ),
        Fault(
            "duplicate_address",
            "another machine on the LAN has the address of the node's xenbr0",
            address("add", "10.77.3.1{number}/32 dev lan"),
            address("delete", "10.77.3.1{number}/32 dev lan"),
        ),
        Fault(
            "gateway_gone",
            "the gateway does not answer (for both nodes)",
            address("delete", f"{GATEWAY}/{PREFIX_LENGTH} dev mgmt"),
            address("add", f"{GATEWAY}/{PREFIX_LENGTH} dev mgmt"),
        ),
        Fault(
            "node_unreachable",
            "the management network of the node is cut",
            unplug("eth0"),
            plug("eth0"),
        ),
        Fault(
            "node_unreachable_mid_check",
            "the node answers ssh, and falls silent once a connection has sent it 100 kB: in the middle of a module",
            together(
                on_node(
                    "iptables --wait -I INPUT -i eth0 -p tcp --dport 22 -m connbytes"
                    " --connbytes 100000: --connbytes-dir original --connbytes-mode bytes -j DROP"
                ),
                # Only connections made from now on are counted.
                reconnect,
            ),
            together(reconnect, on_node("iptables --wait -F INPUT")),
        ),
        # Mounts
        Fault(
            "nfs_dead",
            "the NFS server goes silent; template and iso stay mounted and hang",
            on_san("iptables --wait -I INPUT -s 10.77.0.1$number -p tcp --dport 2049 -j DROP"),
            together(
                on_san("iptables --wait -D INPUT -s 10.77.0.1$number -p tcp --dport 2049 -j DROP"),
                # The connection would try again only after its backed-off timer.
                on_node("ss --kill --tcp dst 10.77.0.19 dport = 2049 > /dev/null"),
            ),
        ),
        Fault(
            "data_full",
            "/data has 1 % left (on both nodes)",
            on_node("fallocate -l $(($(df --output=avail -B 1024 /data | tail -1) * 1010 )) /data/filler"),
            on_node("rm -f /data/filler"),
        ),
        Fault(
            "read_only",
            "/data is mounted read-only",
            on_node("mount -o remount,ro /data"),
            on_node("mount -o remount,rw /data"),
        ),
        Fault(
            "fstab_not_mounted",
            "/data/iso is in fstab and not mounted",
            on_node("umount /data/iso"),
            on_node(_MOUNT_ALL),
        ),
        Fault(
            "files_hidden_below",
            "files lie on the root disk below the mount point /data",
            on_node(
                "mkdir -p /run/below; mount --bind / /run/below\n"
                f"mkdir -p /run/below/data/domu/{_GUEST}; echo stray > /run/below/data/domu/{_GUEST}/disk.raw\n"
                "umount /run/below"
            ),
            on_node("mkdir -p /run/below; mount --bind / /run/below; rm -rf /run/below/data/domu; umount /run/below"),
        ),
        # o2cb
        Fault(
            "o2cb_offline",
            "the cluster is offline on the node, so nothing below /data is mounted",
            on_node(_LEAVE_CLUSTER),
            on_node(_JOIN_CLUSTER),
        ),
        Fault(
            "o2cb_peer_cut",
            "the node's o2cb network is cut silently; after 30 + 2 x (threshold + 2) = 96 s it restarts itself",
            unplug("eth5"),
            together(plug("eth5"), back_in_service),
            node="n2",
            heals=240,
        ),
        Fault(
            "o2cb_peer_crashed",
            "the node dies; the other one recovers its slot after 2 x (threshold - 1) = 60 s",
            crash,
            power_on,
            node="n2",
            heals=240,
        ),
        Fault(
            "o2cb_threshold_pending",
            "the node's configured threshold is not the running one",
            on_node(_THRESHOLD.format(61)),
            on_node(_THRESHOLD.format(31)),
        ),
        Fault(
            "o2cb_threshold_unequal",
            "the node runs with another threshold than its peer, which refuses it: /data cannot be mounted",
            on_node(
                _LEAVE_CLUSTER
                + _THRESHOLD.format(61)
                + _JOIN_CLUSTER.replace("|| mount $mount", "|| timeout 20 mount $mount || true")
            ),
            on_node(_LEAVE_CLUSTER + _THRESHOLD.format(31) + _JOIN_CLUSTER),
            node="n2",
        ),
        # Services
        Fault(
            "nginx_down",
            "nginx is stopped: port 80 refuses",
            on_node("systemctl stop nginx"),
            on_node("systemctl start nginx"),
        ),
        Fault(
            "api_down",
            "the uxen API is stopped: nginx answers 502",
            on_node("su - orchard -c 'uxen/scripts/uxen_was.sh stop'"),
            on_node(START_API),
        ),
        Fault(
            "api_as_root",
            "the uxen API runs as root",
            on_node("cd ~orchard/uxen/scripts; ./uxen_was.sh stop; sleep 1; ./uxen_was.sh start"),
            on_node("~orchard/uxen/scripts/uxen_was.sh stop; sleep 1; chown -R orchard: ~orchard; " + START_API),
            visible=1,
        ),
        Fault(
            "port80_hangs",
            "port 80 takes connections and never answers",
            on_node("pkill -STOP nginx"),
            on_node("pkill -CONT nginx"),
        ),
        # Time
        Fault(
            "clock_off",
            "the clock is 30 s ahead; chrony takes minutes to slew it",
            on_node("date -s '+30 seconds'"),
            on_node("chronyc makestep"),
            visible=5,
        ),
        Fault(
            "time_source_gone",
            "the time server does not answer the node any more",
            on_san("iptables --wait -I INPUT -s 10.77.0.1$number -p udp --dport 123 -j DROP"),
            on_san("iptables --wait -D INPUT -s 10.77.0.1$number -p udp --dport 123 -j DROP"),
            visible=20,
        ),
        # Kernel log and boot
        Fault(
            "kernel_xenballooned_page",
            "the runbook's dom0 memory trace: alloc_xenballooned_pages, vfs_ioctl",
            kernel_says("xenballooned_page"),
            FORGET_LOGS,
        ),
        Fault(
            "kernel_o2net",
            "o2net lost its connection and made a new one: No longer connected to node",
            # Cutting it for real may lose a message between the lock managers: then locks of /data wait for ever.
            kernel_says("o2net"),
            FORGET_LOGS,
        ),
        Fault(
            "kernel_hung_task",
            "a process is blocked in the kernel for more than 5 s",
            on_node(
                "sysctl -q kernel.hung_task_timeout_secs=5\n"
                "dmsetup create hang --table '0 8 zero'; dmsetup suspend hang\n"
                # a read could be killed, and so would not count as hung
                "dd if=/dev/zero of=/dev/mapper/hang bs=4096 count=1 conv=fsync < /dev/null > /dev/null 2>&1 &"
            ),
            together(
                on_node(
                    "dmsetup resume hang; for try in 1 2 3 4 5; do dmsetup remove hang && break; sleep 1; done\n"
                    "sysctl -q kernel.hung_task_timeout_secs=120"
                ),
                FORGET_LOGS,
            ),
            visible=20,
        ),
        Fault(
            "kernel_oom",
            "the kernel runs out of memory and kills a process",
            on_node(
                "systemd-run --quiet --unit=victim -p OOMScoreAdjust=1000 sleep 600\n"
                "echo f > /proc/sysrq-trigger; sleep 1"
            ),
            together(on_node("systemctl reset-failed"), FORGET_LOGS),
        ),
        Fault(
            "kernel_io_error",
            "a read from a disk fails",
            on_node(
                "dmsetup create broken --table '0 8 error'\n"
                "dd if=/dev/mapper/broken of=/dev/null count=1 2> /dev/null || true\n"
                "dmsetup remove --retry broken"
            ),
            FORGET_LOGS,
        ),
        Fault(
            "kernel_mce",
            "the processor reports a corrected machine check",
            # The kernel looks for corrected errors by itself every 300 s.
            together(on_node(_LOOK_FOR_ERRORS.format(1)), monitor("mce 0 1 0x9c00000000000000 0 0x1000 0x8c")),
            together(on_node(_LOOK_FOR_ERRORS.format(300)), FORGET_LOGS),
            visible=3,
        ),
        Fault("kernel_oops", "an oops in the kernel's own work", kernel_says("oops"), FORGET_LOGS),
        Fault("kernel_qemu_oops", "an oops in a guest's qemu", kernel_says("qemu_oops"), FORGET_LOGS),
        Fault(
            "crash_previous_boot",
            "the node printed the dom0 memory trace and panicked; it has booted again",
            together(kernel_says("xenballooned_page"), reboot("c")),
            FORGET_LOGS,
            heals=240,
        ),
        Fault(
            "unclean_reboot",
            "the node was reset without a shutdown; it has booted again",
            reboot("b"),
            FORGET_LOGS,
            heals=240,
        ),
        Fault(
            "autostart_without_gate",
            "a guest starts by itself at boot from the shared storage, and no boot gate holds it",
            on_node(
                f"mkdir -p /etc/xen/auto /data/domu/{_GUEST}/current; cd /data/domu/{_GUEST}/current\n"
                f'printf \'name = "guest"\\nuuid = "{_GUEST}"\\nmemory = 256\\n'
                f'disk = ["file:/data/domu/{_GUEST}/current/disk.raw,xvda,w"]\\n\' > {_GUEST}.cfg\n'
                f"ln -sf /data/domu/{_GUEST}/current/{_GUEST}.cfg /etc/xen/auto/guest.cfg"
            ),
            on_node(f"rm -rf /etc/xen/auto /data/domu/{_GUEST}"),
        ),
    ),
)
