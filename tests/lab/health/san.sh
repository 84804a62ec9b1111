# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# Is the SAN as the lab made it? One line for each thing that is not; says nothing when healthy.
wrong() { echo "$1"; }

system=$(systemctl is-system-running || true)
if [ "$system" != running ]; then
    wrong "systemd is $system $(systemctl --plain --no-legend --failed | cut -d ' ' -f 1 | xargs)"
fi
for unit in export-luns nfs-server chrony; do
    systemctl --quiet is-active "$unit" || wrong "$unit is not active"
done
