#!/bin/sh
# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
. "$(dirname "$0")/include.sh"
printf 'vm uuid: '
read -r uuid
ask "/vms/$uuid/interfaces" --data @- << END
<interfaces>
  <interface>
    <interface_name>xenbr0</interface_name>
  </interface>
</interfaces>
END
