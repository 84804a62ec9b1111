#!/bin/sh
# Stand-in of the uxen API's test scripts: where the API is.
SERVER="http://localhost/api"
# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
ask() {
    path=$1
    shift
    curl --silent --show-error --header 'Content-Type: application/xml' "$@" "$SERVER$path"
    echo
}
