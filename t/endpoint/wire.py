#!/usr/bin/python3
"""Sends what a case says, byte for byte, whatever was asked: an endpoint or a proxy, for tests.

A case is a JSON file in the directory of cases, named by the image that is asked
for, by the path of a POST, or by the first label of the host that a proxy is to
CONNECT to: the members
"send", then "repeat" without end (both text in ISO 8859-1), with a "pause" (s)
after each byte; "hold": true keeps the connection open at the end; "tunnel": true
connects, answers one request itself, and ends the connection when another comes.
With --tls: "flood", the kind of a message of TLS that follows "send" without end
(a method of tls_records.Connection), and "count", how many are in a record.
Prints "connected" for each connection, and "flooding" when a flood has begun.

Ends when standard input does.
"""
import argparse
import functools
import json
import pathlib
import re
import socketserver
import ssl
import time

import stand_in

BODY = b'{"requestId": "r", "image": {"name": "whole"}}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        print("connected", flush=True)
        try:
            if self.server.hello_requests:
                self.ask_for_hello()
            if self.server.tls:
                self.request = self.server.tls(self.request)
            case = self.read_case()
            if case.get("tunnel"):
                for answer in CONNECTED, WHOLE:
                    self.request.sendall(answer)
                    self.read_head()
                return
            self.send(case)
            if case.get("hold"):
                self.request.recv(1)
        except (OSError, EOFError):
            pass                # the client went away

    def ask_for_hello(self):
        """Ask again and again for the client's hello, which was sent: it is to ignore that."""
        messages = b"\0\0\0\0" * self.server.hello_requests     # HelloRequests, of no bytes each
        record = b"\x16\3\3" + len(messages).to_bytes(2, "big") + messages
        self.request.recv(65536)
        while True:
            self.request.sendall(record * (1 + 262144 // len(record)))

    def read_head(self):
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.request.recv(65536)
            if not data:
                raise EOFError
            head += data
        return head

    def read_case(self):
        head = self.read_head()
        match = re.match(rb"(?:CONNECT |POST /|GET \S*image%2F)([\w-]+)", head)
        return json.loads((self.server.cases / match[1].decode()).read_text())

    def send(self, case):
        send, repeat = (case.get(part, "").encode("iso-8859-1") for part in ("send", "repeat"))
        if case.get("pause"):
            self.drip(send, case["pause"])
        else:
            self.request.sendall(send)
            if case.get("flood"):
                for number, _ in enumerate(self.request.flood(case["flood"], case["count"])):
                    if number == 0:
                        print("flooding", flush=True)
            repeat *= 1 + 65536 // max(1, len(repeat))
        while repeat:
            if case.get("pause"):
                self.drip(repeat, case["pause"])
            else:
                self.request.sendall(repeat)

    def drip(self, data, pause):
        for byte in data:
            self.request.sendall(bytes([byte]))
            time.sleep(pause)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--port-file", required=True, help="written once connections are taken")
    parser.add_argument("--cases", required=True, help="directory of the cases")
    parser.add_argument("--certificate", help="PEM; makes it speak TLS")
    parser.add_argument("--key", help="PEM")
    parser.add_argument("--tickets", type=int, help="TLS sessions offered after the handshake")
    parser.add_argument("--tls", choices=("1.2", "1.3"), help="the version, for cases that flood")
    parser.add_argument("--hello-requests", type=int, metavar="N",
                        help="answers a hello of TLS with HelloRequests alone, N in a record")
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    server.cases, server.tls = pathlib.Path(options.cases), None
    server.hello_requests = options.hello_requests
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        if options.tickets is not None:
            context.num_tickets = options.tickets
        server.tls = functools.partial(context.wrap_socket, server_side=True)
    if options.tls:
        import tls_records              # needs python3-cryptography, which other tests do not
        version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[options.tls]
        server.tls = functools.partial(tls_records.Connection, certificate=options.certificate,
                                       key=options.key, version=version)
    stand_in.end_with_input()
    stand_in.announce(options.port_file, server.server_address[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
