# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# Is this Xen node as the lab made it? One line for each thing that is not; says nothing when healthy.
# $guests: "UUID,ADDRESS,PORT …" of those that should run here, PORT None without a screen; $peer: the other node.
# shellcheck disable=SC2154
wrong() { echo "$1"; }

system=$(systemctl is-system-running || true)
if [ "$system" != running ]; then
    wrong "systemd is $system $(systemctl --plain --no-legend --failed | cut -d ' ' -f 1 | xargs)"
fi
timeout 10 xl info > /dev/null || wrong "xl info does not answer"
cut -d ' ' -f 2-4 /proc/mounts | cut -d , -f 1 | grep -qx '/data ocfs2 rw' || wrong "/data is not mounted"
[ -n "$(cat /sys/kernel/debug/o2net/connected_nodes 2> /dev/null)" ] || wrong "o2net is not connected"
[ "$(timeout 5 ovs-vsctl --timeout=4 list-br | xargs)" = xenbr0 ] || wrong "bridge xenbr0 is missing"
[ "$(curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' http://127.0.0.1/api)" = 200 ] ||
    wrong "the API does not answer on port 80"
[ "$(pgrep -u orchard -fc uxen_api.py)" = 1 ] || wrong "the API does not run as orchard"
systemctl --quiet is-active domain-sampler || wrong "domain-sampler is not active"
ping -c 1 -W 2 "$peer" > /dev/null || wrong "$peer does not answer"

domains=$(timeout 20 xl vm-list | awk 'NR > 1 && $2 > 0 {print $1}')
for guest in $guests; do
    uuid=${guest%%,*} rest=${guest#*,}
    address=${rest%,*} port=${rest#*,}
    if ! echo "$domains" | grep -qx "$uuid"; then
        wrong "guest $uuid does not run"
        continue
    fi
    ping -c 1 -W 3 "$address" > /dev/null || wrong "guest $uuid does not answer on $address"
    [ "$port" = None ] || ss -ltnH "sport = :$port" | grep -q . || wrong "nothing listens on $port for $uuid"
done
for domain in $domains; do
    echo "$guests" | grep -q "$domain" || wrong "guest $domain does not belong here"
done
