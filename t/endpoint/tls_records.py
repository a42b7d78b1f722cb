"""Makes a TLS connection on which a server sends what messages it likes: neither Python nor
OpenSSL sends messages of a handshake, at any moment and several in a record, after the handshake.

OpenSSL makes the handshake and reads what the client sends; records to the client are
encrypted here, with the keys that OpenSSL logs.
"""
import hashlib
import hmac
import itertools
import ssl
import struct
import tempfile

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HANDSHAKE, DATA = 22, 23                # types of record
HELLO_REQUEST, NEW_SESSION_TICKET, KEY_UPDATE = 0, 4, 24
# Has SHA-384 for its hash; TLS 1.3's TLS_AES_256_GCM_SHA384 comes first without being asked for.
CIPHERS_OF_1_2 = "ECDHE-RSA-AES256-GCM-SHA384"


def hmac_384(key, data):
    return hmac.digest(key, data, hashlib.sha384)


def message(kind, body=b""):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


class Connection:
    """A socket on which the handshake has been made; "version" is of ssl.TLSVersion."""

    def __init__(self, sock, certificate, key, version):
        self.socket, self.sequence = sock, 0
        self.sent = b""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.minimum_version = context.maximum_version = version
        context.set_ciphers(CIPHERS_OF_1_2)
        context.num_tickets = 0         # the first record after the handshake is ours
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        with tempfile.NamedTemporaryFile() as log:
            context.keylog_filename = log.name
            self.receive(self.tls.do_handshake)
            secrets = [line.split() for line in log.read().decode().splitlines() if line[0] != "#"]
        secrets = {name: (bytes.fromhex(random), bytes.fromhex(secret))
                   for name, random, secret in secrets}
        if version == ssl.TLSVersion.TLSv1_3:
            self.encrypt = self.encrypt_1_3
            self.use(secrets["SERVER_TRAFFIC_SECRET_0"][1])
        else:
            self.encrypt = self.encrypt_1_2
            self.derive_1_2(*secrets["CLIENT_RANDOM"])

    def receive(self, operation, *arguments):
        """What an operation of OpenSSL's comes to, having exchanged what it needs."""
        while True:
            try:
                return operation(*arguments)
            except ssl.SSLWantReadError:
                self.flush()
                data = self.socket.recv(65536)
                if not data:
                    raise EOFError from None
                self.incoming.write(data)
            finally:
                self.flush()

    def flush(self):
        data = self.outgoing.read()
        self.sent += data
        self.socket.sendall(data)

    def recv(self, size):
        return self.receive(self.tls.read, size)

    def sendall(self, data):
        for start in range(0, len(data), 16384):
            self.socket.sendall(self.encrypt(DATA, data[start:start + 16384]))

    # RFC 5246: 6.3, 6.2.3.3; RFC 5288.
    def derive_1_2(self, client_random, master):
        server_random = self.sent[11:43]        # ServerHello is the first message
        seed = b"key expansion" + server_random + client_random
        block, a = b"", seed
        while len(block) < 2 * (32 + 4):
            a = hmac_384(master, a)
            block += hmac_384(master, a + seed)
        self.cipher, self.iv = AESGCM(block[32:64]), block[68:72]
        self.sequence = 1               # Finished was the first

    def encrypt_1_2(self, kind, data):
        nonce = self.sequence.to_bytes(8, "big")
        self.sequence += 1
        data = self.cipher.encrypt(self.iv + nonce, data,
                                   nonce + struct.pack("!BHH", kind, 0x303, len(data)))
        return struct.pack("!BHH", kind, 0x303, 8 + len(data)) + nonce + data

    # RFC 8446: 7.1 to 7.3, 5.2, 5.3.
    def expand(self, label, length):
        label = b"tls13 " + label
        info = struct.pack("!HB", length, len(label)) + label + b"\0\1"
        return hmac_384(self.secret, info)[:length]

    def use(self, secret):
        self.secret, self.sequence = secret, 0
        self.cipher = AESGCM(self.expand(b"key", 32))
        self.iv = int.from_bytes(self.expand(b"iv", 12), "big")

    def encrypt_1_3(self, kind, data):
        nonce = (self.iv ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        header = struct.pack("!BHH", DATA, 0x303, len(data) + 1 + 16)
        return header + self.cipher.encrypt(nonce, data + bytes([kind]), header)

    # Floods: each yields records without end.
    def hello_requests(self, count):
        """TLS 1.2: the client begins a handshake anew, in which it skips all others."""
        data = message(HELLO_REQUEST) * count
        while True:
            yield self.encrypt(HANDSHAKE, data)

    def tickets(self, count):
        """TLS 1.3: sessions for the client to keep."""
        for nonce in itertools.count():
            body = struct.pack("!IIBI", 7200, 0, 4, nonce % 2**32)
            body += b"\0\x20" + bytes(32) + b"\0\0"
            yield self.encrypt(HANDSHAKE, message(NEW_SESSION_TICKET, body) * count)

    def key_updates(self, count):
        """TLS 1.3: new keys of the server's; a record has one, whatever "count" is."""
        del count
        while True:
            yield self.encrypt(HANDSHAKE, message(KEY_UPDATE, b"\0"))
            self.use(self.expand(b"traffic upd", 48))

    def flood(self, kind, count):
        """Send messages of a kind, as many in a record; yields once some have been sent."""
        records = getattr(self, kind)(count)
        while True:
            self.socket.sendall(b"".join(itertools.islice(records, 1 + 1000 // count)))
            yield
