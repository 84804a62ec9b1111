#!/bin/sh
# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Stand-in of the uxen API's start script: uxen_was.sh start|stop|status, meant for the user orchard.
home=$(cd "$(dirname "$0")/.." && pwd)
pid_file=$home/run/uxen_was.pid
log=$home/log/uxen_was.log

running() {
    [ -s "$pid_file" ] && grep -qs uxen_api "/proc/$(cat "$pid_file")/cmdline"
}

case $1 in
    start)
        if running; then
            echo "uxen was is already running (pid $(cat "$pid_file"))"
            exit 0
        fi
        mkdir -p "$home/run" "$home/log"
        setsid python3 "$home/standin/uxen_api.py" >> "$log" 2>&1 < /dev/null &
        echo $! > "$pid_file"
        echo "uxen was started (pid $!)"
        ;;
    stop)
        if ! running; then
            echo "uxen was is not running"
            exit 0
        fi
        kill "$(cat "$pid_file")"
        rm -f "$pid_file"
        echo "uxen was stopped"
        ;;
    status)
        if running; then
            echo "uxen was is running (pid $(cat "$pid_file"))"
        else
            echo "uxen was is not running"
            exit 3
        fi
        ;;
    *)
        echo "usage: $0 start|stop|status" >&2
        exit 2
        ;;
esac
