# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP server on a Unix socket, whose answer is the path and how often it has been asked."""
import http.server
import socketserver
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    count = 0

    def do_GET(self):
        Handler.count += 1
        body = f"{self.path} {Handler.count}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=3600")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "a Unix socket"


def main():
    with socketserver.ThreadingUnixStreamServer(sys.argv[1], Handler) as server:
        print("serving", flush=True)
        server.serve_forever()


main()
