"""A session with a PostgreSQL server, by its wire protocol, for tests.

psql mixes rows with messages and has no limit of rows a portal; here each
command's rows, or the SQLSTATE of what went wrong, come back as values.
Only what a test cluster needs: a Unix-domain socket or loopback TCP, trust.
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""
import socket
import struct


class SQLError(Exception):
    """What the server says went wrong; state is None where the session is gone."""

    def __init__(self, state, message):
        super().__init__(f"{state} {message}")
        self.state, self.message = state, message


def text(value):
    return value.encode() + b"\0"


class Session:
    """Not to be used again once an SQLError without a state was raised.

    tags: what PostgreSQL says of each command just run, as "UPDATE 3".
    """

    def __init__(self, host, port, database, user):
        if host.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(f"{host}/.s.PGSQL.{port}")
        else:
            self.socket = socket.create_connection((host, port))
        self.file = self.socket.makefile("rb")
        parameters = b"".join(
            map(text, ("user", user, "database", database, "client_encoding", "UTF8"))
        )
        self.socket.sendall(struct.pack("!ii", len(parameters) + 9, 196608) + parameters + b"\0")
        self.finish()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, *messages):
        try:
            self.socket.sendall(
                b"".join(kind + struct.pack("!i", len(body) + 4) + body for kind, body in messages)
            )
        except OSError as error:
            raise SQLError(None, f"the server is gone: {error}") from error

    def receive(self):
        try:
            head = self.file.read(5)
            if len(head) == 5:
                return head[:1], self.file.read(struct.unpack("!i", head[1:])[0] - 4)
        except OSError:
            pass
        raise SQLError(None, "the server is gone")

    def finish(self):
        """Each command's rows; the first error is raised once the server is ready again."""
        results, rows, error = [], [], None
        self.tags = []
        while True:
            kind, body = self.receive()
            if kind == b"D":
                rows.append(read_row(body))
            elif kind in b"CIs":  # completed, empty, or suspended
                self.tags.append(body[:-1].decode())
                results.append(rows)
                rows = []
            elif kind == b"R" and body != bytes(4):
                raise SQLError("28000", "the server does not trust its own test")
            elif kind == b"E":
                error = read_error(body)
                if error.state is None:
                    raise error
            elif kind == b"Z":
                if error:
                    raise error
                return results

    def run(self, commands):
        """The rows of each of some commands, which are separated by semicolons."""
        self.send((b"Q", text(commands)))
        return self.finish()

    def rows(self, command):
        return self.run(command)[-1]

    def fetch(self, command, most):
        """All rows of one command, taken from its portal by so many at a time."""
        none = struct.pack("!h", 0)
        rows = []
        self.send((b"P", b"\0" + text(command) + none), (b"B", b"\0\0" + none * 3))
        while True:
            self.send((b"E", b"\0" + struct.pack("!i", most)), (b"H", b""))
            while True:
                kind, body = self.receive()
                if kind == b"D":
                    rows.append(read_row(body))
                elif kind == b"s":
                    break
                elif kind in b"CIE":
                    self.send((b"S", b""))
                    if kind != b"E":
                        self.finish()
                        return rows
                    error = read_error(body)
                    if error.state is not None:
                        self.finish()
                    raise error


def read_row(body):
    """A DataRow's values as text; None for NULL."""
    (count,) = struct.unpack_from("!h", body)
    at, row = 2, []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        row.append(None if length < 0 else body[at : at + length].decode())
        at += max(length, 0)
    return tuple(row)


def read_error(body):
    """An ErrorResponse; after one that is not an ERROR the session ends."""
    fields = {field[:1]: field[1:].decode() for field in body.split(b"\0") if field}
    if fields[b"S"] == "ERROR":
        return SQLError(fields[b"C"], fields[b"M"])
    return SQLError(None, f"{fields[b'S']} {fields[b'C']} {fields[b'M']}")
