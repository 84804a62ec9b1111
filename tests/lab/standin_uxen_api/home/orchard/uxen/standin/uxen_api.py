# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the uxen API: answers /api with XML behind nginx, so that a lab node has a service to check."""

from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.split("?")[0].rstrip("/")
        if path == "/api":
            node = ElementTree.Element("node")
            ElementTree.SubElement(node, "name").text = socket.gethostname()
            self._answer(200, node)
        elif path == "/api/vms":
            self._answer(200, ElementTree.Element("vms"))
        else:
            error = ElementTree.Element("error")
            error.text = f"no such resource: {path}"
            self._answer(404, error)

    def _answer(self, status: int, document: ElementTree.Element) -> None:
        body = ElementTree.tostring(document, encoding="utf-8", xml_declaration=True)
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8000), Api).serve_forever()
