#!/usr/bin/python3
"""An endpoint of the operation with two parameters of t/build/extra.inc, for tests.

A thing has two pages of parts of each color but "none".  Each request's body is added to
a log.  Ends when standard input does.
"""
import argparse
import http.server
import json
import pathlib
import threading

import stand_in


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        with self.server.lock, open(self.server.log, "ab") as log:
            log.write(body + b"\n")
        page = int(asked.get("nextToken", "1"))
        color = asked.get("color", "none")
        answer = {"parts": [] if color == "none" else [{"name": f"{color}-{page}"}]}
        if color != "none" and page == 1:
            answer["nextToken"] = "2"
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *args):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--port-file", required=True, help="written once connections are taken")
    parser.add_argument("--log", required=True, help="what clients ask is added to it")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.log, server.lock = options.log, threading.Lock()
    pathlib.Path(options.log).touch()
    stand_in.end_with_input()
    stand_in.announce(options.port_file, server.server_address[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
