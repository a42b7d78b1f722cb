#!/usr/bin/python3
"""An HTTP proxy that connects, or misbehaves, for tests; over TLS if given a certificate.

Ends when standard input does.
"""
import argparse
import pathlib
import select
import socket
import socketserver
import ssl
import time

import stand_in


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            if self.server.tls:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            self.serve()
        except OSError:
            pass                # the client went away

    def serve(self):
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.request.recv(65536)
            if not data:
                return
            head += data
        with open(self.server.log, "ab") as log:
            log.write(head)
        if self.server.mode == "garbage":
            self.request.sendall(b"220 mail.example.org ESMTP\r\n")
        if self.server.mode == "slow":
            time.sleep(0.3)
        elif self.server.mode != "connect":
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as target:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.relay(target)

    def relay(self, target):
        ends = {self.request: target, target: self.request}
        while True:
            pending = self.server.tls and self.request.pending()
            for end in [self.request] if pending else select.select(list(ends), [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                ends[end].sendall(data)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--port-file", required=True, help="written once connections are taken")
    parser.add_argument("--log", required=True, help="what clients ask is added to it")
    parser.add_argument("--mode", choices=("connect", "slow", "close", "garbage"),
                        default="connect")
    parser.add_argument("--certificate", help="PEM; makes it speak TLS")
    parser.add_argument("--key", help="PEM")
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    server.log, server.mode, server.tls = options.log, options.mode, None
    if options.certificate:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(options.certificate, options.key)
    pathlib.Path(options.log).touch()
    stand_in.end_with_input()
    stand_in.announce(options.port_file, server.server_address[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
