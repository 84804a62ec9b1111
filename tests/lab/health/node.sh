# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# Is this node as the lab made it? One line for each thing that is not; says nothing when healthy.
wrong() { echo "$1"; }

system=$(systemctl is-system-running || true)
if [ "$system" != running ]; then
    wrong "systemd is $system $(systemctl --plain --no-legend --failed | cut -d ' ' -f 1 | xargs)"
fi
paths=$(timeout 5 multipathd show paths raw format '%t %o' | grep -c '^active running' || true)
[ "$paths" = 6 ] || wrong "$paths of 6 paths are active"
maps=$(timeout 5 multipathd show maps raw format '%n %N' | grep -c '^mpath[abc] 2' || true)
[ "$maps" = 3 ] || wrong "$maps of 3 maps have two paths"
[ -e /dev/vg1/images ] || wrong "vg1/images is not active"
for mount in '/data ocfs2 rw' '/data/template nfs4 rw' '/data/iso nfs4 rw'; do
    cut -d ' ' -f 2-4 /proc/mounts | cut -d , -f 1 | grep -qx "$mount" || wrong "not mounted: $mount"
done
[ -n "$(cat /sys/kernel/debug/o2net/connected_nodes 2> /dev/null)" ] || wrong "o2net is not connected"
for slave in eth3 eth4; do
    [ "$(cat "/sys/class/net/$slave/bonding_slave/mii_status")" = up ] || wrong "bond slave $slave is down"
done
for port in bond0 eth5 eth6; do
    [ "$(cat "/sys/class/net/$port/carrier")" = 1 ] || wrong "no carrier on $port"
done
bridges=$(timeout 5 ovs-vsctl --timeout=4 list-br | xargs)
[ "$bridges" = "xenbr0 xenbr1 xenbr2" ] || wrong "bridges: $bridges"
[ "$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' http://127.0.0.1/api)" = 200 ] ||
    wrong "the API does not answer on port 80"
[ "$(pgrep -u orchard -fc uxen_api.py)" = 1 ] || wrong "the API does not run as orchard"
chronyc -c tracking | awk -F , '
    $14 != "Normal" { print "chrony is not synchronised" }
    $5 > 0.2 || $5 < -0.2 { print "the clock is off by " $5 " s" }'
ping -c 1 -W 2 10.77.0.1 > /dev/null || wrong "the gateway does not answer"
