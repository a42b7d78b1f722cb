#!/usr/bin/python3
"""The wrapper's work beside what it cannot be better than; run by dev/bench.

Each pair is measured in turns within one run, and the least time of each
counts: what else the machine does only adds to it.  A row's sessions are its
own, so that its peak memory is too.  Sessions go through psycopg2, which is
libpq; where fifty work at once, through pgbench, whose own work is little.
"""
import argparse
import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses
import json
import math
import multiprocessing
import os
import pathlib
import re
import selectors
import socket
import subprocess
import sys
import time

import boto3
import botocore.config
import botocore.paginate
import psycopg2

FIXTURES = pathlib.Path(__file__).parent.parent / "t" / "endpoint" / "fixtures"
FIXTURE = FIXTURES / "GetImage" / "golden-linux-2.0.0-1.json"
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
LATENCY = 0.050         # s, of the endpoint that is far away
SLOW_LATENCY = 0.250    # s, and where it has a tail, of one answer in …
SLOW_ONE_IN = 20
PAGE_LATENCY = 0.020    # s, and of its lists' pages
PAGE_SIZE = 25
CONCURRENCY = 16        # the wrapper's default max_concurrency
ACCOUNTS = 5
# Requests a second that the limited endpoint lets through: some hundred times
# what AWS does, and few enough that it is the endpoint that limits.  Without a
# limit the clients would, as they share the processors with it.
RATE = 2000


LIST_OF = "arn:aws:imagebuilder:us-east-1:123456789012"


def arn(number):
    return f"arn:aws:imagebuilder:us-east-1:123456789012:image/bench-{number}/1.0.0/1"


def arns(count):
    return [arn(number) for number in range(count)]


class WrongResult(Exception):
    """Something other than a figure is not as it must be."""


# ---- endpoints --------------------------------------------------------------

class DelayedAnswer(asyncio.Protocol):
    """A connection on which each request is answered LATENCY after it came, or some SLOW_LATENCY."""

    def __init__(self, answer, counters, with_tail):
        self.answer, self.counters, self.with_tail = answer, counters, with_tail
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while b"\r\n\r\n" in self.received:
            self.received = self.received.partition(b"\r\n\r\n")[2]
            self.counters["requests"] += 1
            slow = self.with_tail and self.counters["requests"] % SLOW_ONE_IN == 0
            asyncio.get_running_loop().call_later(SLOW_LATENCY if slow else LATENCY, self.send)

    def send(self):
        if not self.transport.is_closing():
            self.transport.write(self.answer)


class DelayedPages(asyncio.Protocol):
    """A connection on which each request for a page of list-N is answered PAGE_LATENCY after it came."""

    WANTED = re.compile(rb'list-(\d+)(?:.*"nextToken": ?"PAGE-(\d+))?', re.DOTALL)

    def __init__(self, pages, counters):
        self.pages, self.counters = pages, counters
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, rest = self.received.partition(b"\r\n\r\n")
            length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1])
            if len(rest) < length:
                return
            body, self.received = rest[:length], rest[length:]
            items, page = map(int, self.WANTED.search(body).groups(b"1"))
            self.counters["requests"] += 1
            operation = re.match(rb"POST /(\w+)", head)[1].decode()
            asyncio.get_running_loop().call_later(PAGE_LATENCY, self.send, self.pages[operation, items][page - 1])

    def send(self, answer):
        if not self.transport.is_closing():
            self.transport.write(answer)


def http_answer(body):
    return (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body)


def list_pages(member, item, count):
    """The answers of a list of so many items like that one; tokens are as long as the service's."""
    key = "packageName" if "packageName" in item else "name"
    pages = math.ceil(count / PAGE_SIZE)
    return [http_answer(json.dumps({
        "requestId": "9a1c7b20-0f52-4c1d-8f0e-6f7a2f1b3012",
        member: [{**item, key: f"item-{number}"}
                 for number in range(page * PAGE_SIZE, min((page + 1) * PAGE_SIZE, count))],
        **({"nextToken": f"PAGE-{page + 2}-{'x' * 200}"} if page + 1 < pages else {})}).encode())
        for page in range(pages)]


class FarEndpoint:
    """An endpoint LATENCY away, at as many ports as there are accounts, one with a tail, and one for lists.

    t/endpoint verifies signatures, which takes a millisecond of the processors
    that are being measured; nginx cannot wait.  This one only counts.
    """

    def __init__(self, body, pages):
        self.answer, self.pages = http_answer(body), pages
        self.sockets = [socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(ACCOUNTS + 2)]
        *self.urls, self.tail_url, self.lists_url = [f"http://127.0.0.1:{listening.getsockname()[1]}"
                                                     for listening in self.sockets]
        self.pipe, far_end = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.run, args=(far_end,), daemon=True)

    def run(self, pipe):
        # select() waits to the microsecond; epoll rounds up to a millisecond,
        # of which 63 answers one after another would make a difference.
        loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
        counters = collections.Counter()

        def tell_requests():
            pipe.recv()
            pipe.send(counters["requests"])
            counters.clear()

        for number, listening in enumerate(self.sockets):
            def connection(number=number):
                if number > ACCOUNTS:
                    return DelayedPages(self.pages, counters)
                return DelayedAnswer(self.answer, counters, number == ACCOUNTS)

            loop.run_until_complete(loop.create_server(connection, sock=listening))
        loop.add_reader(pipe.fileno(), tell_requests)
        loop.run_forever()

    def __enter__(self):
        self.process.start()
        for listening in self.sockets:
            listening.close()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()

    def take_requests(self):
        """Requests received since it was last asked."""
        self.pipe.send("requests")
        return self.pipe.recv()


def free_ports(count):
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listening.getsockname()[1] for listening in taken]


class NearEndpoint:
    """nginx, which takes next to no time: plain, with TLS, and limited to RATE."""

    CONFIGURATION = """
        daemon off;
        master_process off;
        worker_processes 1;
        pid {work}/nginx.pid;
        error_log {work}/nginx.log;
        events {{ worker_connections 512; }}
        http {{
            access_log off;
            client_body_temp_path {work}/nginx.client;
            proxy_temp_path {work}/nginx.proxy;
            fastcgi_temp_path {work}/nginx.fastcgi;
            uwsgi_temp_path {work}/nginx.uwsgi;
            scgi_temp_path {work}/nginx.scgi;
            types {{}}
            default_type application/json;
            sendfile on;
            open_file_cache max=10;
            keepalive_requests 1000000;
            limit_req_zone $server_port zone=limited:1m rate={rate}r/s;
            server {{
                listen 127.0.0.1:{plain};
                location = /GetImage {{ alias {small}; }}
                location = /large/GetImage {{ alias {large}; }}
            }}
            server {{
                listen 127.0.0.1:{limited};
                location = /GetImage {{ alias {small}; limit_req zone=limited burst=1000; }}
            }}
            server {{
                listen 127.0.0.1:{tls} ssl;
                ssl_certificate {certificate};
                ssl_certificate_key {work}/key.pem;
                location = /GetImage {{ alias {small}; }}
            }}
        }}
        """

    def __init__(self, work, small, large):
        self.work = work
        self.certificate = work / "certificate.pem"
        self.ports = plain, limited, tls = free_ports(3)
        self.plain = f"http://127.0.0.1:{plain}"
        self.limited = f"http://127.0.0.1:{limited}"
        self.tls = f"https://127.0.0.1:{tls}"
        (work / "nginx.conf").write_text(self.CONFIGURATION.format(
            work=work, small=small, large=large, certificate=self.certificate, rate=RATE,
            plain=plain, limited=limited, tls=tls))

    def __enter__(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", self.work / "key.pem", "-out", self.certificate],
                       check=True, capture_output=True)
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", self.work / "nginx.log", "-p", self.work,
                                         "-c", self.work / "nginx.conf"])
        for port in self.ports:
            self.wait_for(port)
        return self

    def wait_for(self, port):
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise WrongResult(f"nginx did not start: {(self.work / 'nginx.log').read_text()}")
                time.sleep(0.01)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def large_response(amis):
    """A response with that many AMIs, some 210 bytes each."""
    response = json.loads(FIXTURE.read_bytes())
    response["image"]["outputResources"]["amis"] = [
        {"region": "us-east-1", "image": f"ami-{number:017x}", "name": f"golden-linux-2-0-0-1 {number:08d}",
         "description": "Golden Linux for us-east-1", "accountId": f"{100000000000 + number}",
         "state": {"status": "AVAILABLE"}}
        for number in range(amis)]
    return json.dumps(response).encode()


# ---- PostgreSQL -------------------------------------------------------------

def peak_memory(pid):
    """Bytes, shared memory that it touched included; 0 if the process has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


class Session:
    def __init__(self, host):
        self.connection = psycopg2.connect(host=host, user="postgres", dbname="postgres")
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def execute(self, statement, *parameters):
        self.cursor.execute(statement, parameters or None)

    def rows(self, statement, *parameters):
        self.execute(statement, *parameters)
        return self.cursor.fetchall()

    def time(self, expected, statement, *parameters):
        """The seconds that a statement takes whose one value is expected."""
        began = time.perf_counter()
        (value,), = self.rows(statement, *parameters)
        seconds = time.perf_counter() - began
        if value != expected:
            raise WrongResult(f"{value} instead of {expected}: {statement}")
        return seconds

    def peak_memory(self):
        return peak_memory(self.connection.get_backend_pid())


def create_server(session, name, url, **options):
    """A server, keys for it, and its tables in a schema of its name."""
    listed = "".join(f", {option} '{value}'" for option, value in options.items())
    keys = ", ".join(f"{option} '{value}'" for option, value in KEYS.items())
    session.execute(f"""
        CREATE SERVER {name} FOREIGN DATA WRAPPER imagebuilder_fdw OPTIONS (endpoint_url '{url}'{listed});
        CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS ({keys});
        CREATE SCHEMA {name};
        IMPORT FOREIGN SCHEMA imagebuilder FROM SERVER {name} INTO {name}""")


def create_all(session, near, far, large, fleet):
    session.execute("CREATE EXTENSION imagebuilder_fdw")
    create_server(session, "near", near.plain)
    create_server(session, "large", f"{near.plain}/large")
    create_server(session, "limited", near.limited)
    create_server(session, "tls", near.tls, ca_bundle=near.certificate)
    create_server(session, "far", far.urls[0])
    create_server(session, "tail", far.tail_url)
    create_server(session, "lists", far.lists_url)
    for account, url in enumerate(far.urls, 1):
        create_server(session, f"account{account}", url)
    session.execute("CREATE TABLE fleet AS SELECT unnest(%s) AS arn", fleet)
    session.execute("ANALYZE fleet")
    # Uncompressed, as the answer is.
    session.execute("CREATE TABLE response (body text); ALTER TABLE response ALTER body SET STORAGE EXTERNAL")
    session.execute("INSERT INTO response VALUES (%s)", large.decode())
    session.execute("""
        CREATE FUNCTION look_up_each(arns text[]) RETURNS integer LANGUAGE plpgsql AS $$
        DECLARE
            wanted text;
            found text;
        BEGIN
            FOREACH wanted IN ARRAY arns LOOP
                SELECT name INTO STRICT found FROM near.images WHERE arn = wanted;
            END LOOP;
            RETURN cardinality(arns);
        END $$""")


# ---- what is measured -------------------------------------------------------

@dataclasses.dataclass
class Line:
    """A row of the table; one that nothing must reach is there to be compared."""
    work: str
    beside: str
    measured: str
    beside_it: str
    ratio: float
    must_reach: str | None
    reached: bool
    memory: int

    def __str__(self):
        verdict = f"{self.must_reach}: {'reached' if self.reached else 'NOT reached'}" if self.must_reach else ""
        return (f"| {self.work} | {self.beside} | {self.measured} | {self.beside_it} | {self.ratio:.2f} | "
                f"{verdict} | {self.memory / 1e6:.0f} MB |")


def line_of_times(work, beside, measured, reference, bound, memory):
    """Of two times in seconds, the ratio of which is to be at most the bound."""
    ratio = measured / reference
    return Line(work, beside, f"{measured * 1000:,.1f} ms", f"{reference * 1000:,.1f} ms", ratio,
                f"≤ {bound:.2f}×" if bound else None, bool(bound) and ratio <= bound, memory)


def line_of_requests(work, requests, allowed, exactly, memory):
    reached = requests == allowed if exactly else requests <= allowed
    return Line(work, "requests that it may send", f"{requests}", f"{allowed}", requests / allowed,
                f"{'exactly' if exactly else '≤'} {allowed}", reached, memory)


def line_of_memory(work, beside, measured, reference, bound):
    """Of two peaks in bytes, the difference of which is to be at most the bound, in MB."""
    more = (measured - reference) / 1e6
    return Line(work, beside, f"{measured / 1e6:.1f} MB", f"{reference / 1e6:.1f} MB", measured / reference,
                f"≤ {bound} MB more", more <= bound, measured)


def in_turns(rounds, *measures):
    """The least that each returns."""
    results = [[measure() for measure in measures] for _ in range(rounds)]
    return [min(result) for result in zip(*results)]


def time_program(*command):
    """The seconds that a whole process takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


class Bench:
    """Its rows are the methods row_N, each of which returns lines."""

    def __init__(self, options):
        self.work, self.bindir, self.client = options.work, options.bindir, options.client
        self.short_rounds = 2 if options.quick else 20
        self.rounds = 1 if options.quick else 5
        self.long_rounds = 1 if options.quick else 3
        self.images = 64 if options.quick else 1000
        self.account_images = 32 if options.quick else 100
        self.amis = 1000 if options.quick else 100_000
        self.sessions, self.session_images = (8, 25) if options.quick else (50, 200)
        # Items of a list that is read to its end, and of a long one.
        self.items, self.long_items = (200, 500) if options.quick else (1000, 10_000)
        self.wrong_requests = []

    def run(self, numbers):
        large = self.work / "large.json"
        large.write_bytes(large_response(self.amis))
        with (FarEndpoint(FIXTURE.read_bytes(), self.pages()) as self.far,
              NearEndpoint(self.work, FIXTURE, large) as self.near):
            with Session(self.work) as session:
                create_all(session, self.near, self.far, large.read_bytes(), arns(self.images))
            print("| work | beside | measured | beside it | ratio | must reach | peak memory |")
            print("| --- | --- | --- | --- | --- | --- | --- |")
            for number in numbers:
                for line in getattr(self, f"row_{number}")():
                    print(line, flush=True)
            print(f"\n{self.facts()}")
        return self.wrong_requests

    def pages(self):
        """{(operation, items): answers} of the lists that rows ask for."""
        (path,) = (FIXTURES / "ListImagePipelineImages").glob("*complete.json")
        image = json.loads(path.read_bytes())["imageSummaryList"][0]
        package = {"packageName": "", "packageVersion": "8.5.0-1.amzn2023.0.2"}
        return {("ListImagePackages", self.items): list_pages("imagePackageList", package, self.items),
                ("ListImagePackages", self.long_items): list_pages("imagePackageList", package, self.long_items),
                ("ListImagePipelineImages", self.long_items): list_pages("imageSummaryList", image, self.long_items)}

    def facts(self):
        with Session(self.work) as session:
            (version,), = session.rows("SHOW server_version")
            idle = session.peak_memory()
        return (f"{os.cpu_count()} cores, PostgreSQL {version}, libcurl {self.run_client('version')}. A time is the "
                f"least of {self.long_rounds} or more. Peak memory is that of the session's process (VmHWM); one "
                f"that has done nothing takes {idle / 1e6:.0f} MB.")

    def run_client(self, *arguments):
        run = subprocess.run([self.client, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
        return run.stdout.strip()

    def session(self):
        """A session in which connections, the library and the catalogs are warm."""
        session = Session(self.work)
        session.rows("SELECT name FROM near.images WHERE arn = %s", arn(0))
        return session

    def check_requests(self, row, requests, right):
        if not right:
            self.wrong_requests.append(f"row {row}: {requests} requests")

    def time_far(self, row, session, images, expected, statement, *parameters):
        """The time of a statement that asks the far endpoint for so many images."""
        self.far.take_requests()
        seconds = session.time(expected, statement, *parameters)
        requests = self.far.take_requests()
        self.check_requests(row, requests, requests == images)
        return seconds

    def row_1(self):
        def statements(session):
            began = time.perf_counter()
            for wanted in arns(self.images):
                session.rows("SELECT name FROM near.images WHERE arn = %s", wanted)
            return time.perf_counter() - began

        with self.session() as session, self.session() as client:
            wrapper, bare, single = in_turns(
                self.short_rounds,
                lambda: session.time(self.images, "SELECT look_up_each(%s)", arns(self.images)),
                lambda: float(self.run_client("requests", self.near.plain, self.images, 1)),
                lambda: statements(client))
            (requests,), = session.rows("SELECT requests FROM imagebuilder_fdw_stats()")
            wanted = self.images * self.short_rounds + 1
            self.check_requests(1, requests, requests == wanted)
            loop = "libcurl's easy interface in a loop, signing"
            return [line_of_times(f"{self.images:,} look-ups one after another: a warm session's PL/pgSQL loop",
                                  loop, wrapper, bare, 1.5, session.peak_memory()),
                    line_of_times("the same as single statements of a client, planned anew",
                                  loop, single, bare, None, client.peak_memory())]

    def ideal(self, images):
        return math.ceil(images / CONCURRENCY) * LATENCY

    def boto3_client(self, url):
        return boto3.client("imagebuilder", region_name="us-east-1", endpoint_url=url,
                            aws_access_key_id=KEYS["access_key_id"],
                            aws_secret_access_key=KEYS["secret_access_key"],
                            config=botocore.config.Config(max_pool_connections=CONCURRENCY))

    def boto3_in_threads(self, url):
        client = self.boto3_client(url)
        with concurrent.futures.ThreadPoolExecutor(CONCURRENCY) as pool:
            began = time.perf_counter()
            answers = list(pool.map(lambda wanted: client.get_image(imageBuildVersionArn=wanted), arns(self.images)))
            seconds = time.perf_counter() - began
        if not all(answer["image"]["name"] == "golden-linux" for answer in answers):
            raise WrongResult("boto3 found something else")
        return seconds

    def row_2(self):
        with self.session() as session:
            wrapper, sdk, bare = in_turns(
                self.long_rounds,
                lambda: self.time_far(2, session, self.images, self.images,
                                      "SELECT count(name) FROM far.images WHERE arn = ANY (%s)", arns(self.images)),
                lambda: self.boto3_in_threads(self.far.urls[0]),
                lambda: float(self.run_client("requests", self.far.urls[0], math.ceil(self.images / CONCURRENCY),
                                              CONCURRENCY)))
            tail, sdk_tail = in_turns(
                self.long_rounds,
                lambda: self.time_far(2, session, self.images, self.images,
                                      "SELECT count(name) FROM tail.images WHERE arn = ANY (%s)", arns(self.images)),
                lambda: self.boto3_in_threads(self.far.tail_url))
            work = f"{self.images:,} ARNs in a list, {LATENCY * 1000:.0f} ms each, {CONCURRENCY} at once"
            memory = session.peak_memory()
            return [line_of_times(work, "ideal", wrapper, self.ideal(self.images), 1.05, memory),
                    line_of_times("the same", f"boto3 in {CONCURRENCY} threads", wrapper, sdk, None, memory),
                    line_of_times("the same", f"{CONCURRENCY} processes with libcurl alone", wrapper, bare, None,
                                  memory),
                    line_of_times(f"the same, but one answer in {SLOW_ONE_IN} takes {SLOW_LATENCY * 1000:.0f} ms",
                                  f"boto3 in {CONCURRENCY} threads", tail, sdk_tail, None, memory)]

    def join(self, row, work, rows_an_image, tables):
        with self.session() as session:
            seconds, = in_turns(
                self.long_rounds,
                lambda: self.time_far(row, session, self.images, self.images * rows_an_image,
                                      f"SELECT count(i.name) FROM fleet f {tables}"))
            return [line_of_times(work, "ideal", seconds, self.ideal(self.images), 1.1, session.peak_memory())]

    def row_3(self):
        return self.join(3, f"{self.images:,} rows of a local table joined to `images`, likewise", 1,
                         "JOIN far.images i ON i.arn = f.arn")

    def row_4(self):
        image = json.loads(FIXTURE.read_bytes())["image"]
        amis, components = image["outputResources"]["amis"], image["imageRecipe"]["components"]
        return self.join(4, "the same joined to `images`, `amis` and `components`", len(amis) * len(components),
                         "JOIN far.images i ON i.arn = f.arn JOIN far.amis a ON a.image_arn = f.arn "
                         "JOIN far.components c ON c.image_arn = f.arn")

    def row_5(self):
        wanted, accounts = arns(self.account_images), range(1, ACCOUNTS + 1)
        branches = [f"SELECT name FROM account{account}.images WHERE arn = ANY (%s)" for account in accounts]

        def measure(session, *branches):
            images = len(branches) * self.account_images
            return self.time_far(5, session, images, images,
                                 f"SELECT count(name) FROM ({' UNION ALL '.join(branches)}) AS found",
                                 *[wanted] * len(branches))

        with self.session() as session:
            together, *alone = in_turns(self.rounds, lambda: measure(session, *branches),
                                        *(lambda branch=branch: measure(session, branch) for branch in branches))
            return [line_of_times(f"{ACCOUNTS} accounts' servers in a UNION ALL, {self.account_images} ARNs each",
                                  "the slowest of them alone", together, max(alone), 1.2, session.peak_memory())]

    def row_6(self):
        wanted = 100
        with self.session() as session:
            self.far.take_requests()
            session.rows("""
                SELECT i.name, count(DISTINCT a.ami_id), count(DISTINCT c.component_arn), count(DISTINCT d.region)
                FROM far.images i
                JOIN far.amis a ON a.image_arn = i.arn
                JOIN far.components c ON c.image_arn = i.arn
                JOIN far.distributions d ON d.image_arn = i.arn
                WHERE i.arn = ANY (%s)
                GROUP BY i.arn, i.name""", arns(wanted))
            requests = self.far.take_requests()
            self.check_requests(6, requests, requests == wanted)
            return [line_of_requests("a report over `images`, `amis`, `components` and `distributions` "
                                     f"for {wanted} ARNs", requests, wanted, True, session.peak_memory())]

    def row_7(self):
        counts = "SELECT least(count(region), count(ami_id), count(name), count(status), count(account_id))"
        wrapper_query = f"""
            {counts} FROM (SELECT region, ami_id, name, state_status AS status, account_id
                           FROM large.amis WHERE image_arn = %s) AS amis"""
        jsonb_query = f"""
            {counts} FROM (SELECT region, image AS ami_id, name, state->>'status' AS status, "accountId" AS account_id
                           FROM response, jsonb_to_recordset(body::jsonb #> '{{image,outputResources,amis}}')
                             AS ami (region text, image text, name text, state jsonb, "accountId" text)) AS amis"""
        with self.session() as session, self.session() as other:
            wrapper, parse, jsonb = in_turns(
                self.rounds,
                lambda: session.time(self.amis, wrapper_query, arn(0)),
                lambda: float(self.run_client("parse", self.work / "large.json")),
                lambda: other.time(self.amis, jsonb_query))
            size = (self.work / "large.json").stat().st_size
            memory = session.peak_memory()
            return [line_of_times(f"{self.amis:,} AMIs in one response ({size / 1e6:.1f} MB), five columns of `amis`",
                                  "json-c's parse alone, the body in memory", wrapper, parse, 1.5, memory),
                    line_of_times("the same", "`jsonb_to_recordset`, the body in a table "
                                  f"({other.peak_memory() / 1e6:.0f} MB)", wrapper, jsonb, 1.0, memory)]

    def row_8(self):
        query = f"SELECT count(name) FROM tls.images WHERE arn = '{arn(0)}'"
        url = f"{self.near.tls}/GetImage?imageBuildVersionArn={arn(0)}"
        memory = []

        def first_look_up():
            with Session(self.work) as session:
                seconds = session.time(1, query)
                memory.append(session.peak_memory())
                return seconds

        first, curl, psql = in_turns(
            self.short_rounds, first_look_up,
            lambda: time_program("/usr/bin/curl", "-sSf", "--cacert", self.near.certificate, url),
            lambda: time_program(self.bindir / "psql", "-Xqtc", query, "-h", self.work, "-U", "postgres", "postgres"))
        return [line_of_times("first look-up of a new session, over TLS", "the program `curl`",
                              first, curl, 1.5, max(memory)),
                line_of_times("the same as the program `psql`, from start to end", "the program `curl`",
                              psql, curl, None, max(memory))]

    def time_sessions(self, schema, memory):
        """All sessions at once, each look-up a statement; their connecting is not counted."""
        script = self.work / "pgbench.sql"
        script.write_text(f"SELECT name FROM {schema}.images WHERE arn = '{arn(':client_id')}';\n")
        pgbench = subprocess.Popen([self.bindir / "pgbench", "-n", "-c", str(self.sessions), "-t",
                                    str(self.session_images), "-f", script, "-h", self.work, "-U", "postgres",
                                    "postgres"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        with Session(self.work) as monitor:
            while True:
                try:
                    output, _ = pgbench.communicate(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    pids = monitor.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench'")
                    memory.extend(peak_memory(pid) for pid, in pids)
        wanted = self.sessions * self.session_images
        if pgbench.returncode != 0 or f"processed: {wanted}/{wanted}" not in output:
            raise WrongResult(output)
        return wanted / float(re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)[1])

    def row_9(self):
        memory = [0]
        limited, limit, near, bare = in_turns(
            self.long_rounds,
            lambda: self.time_sessions("limited", memory),
            lambda: float(self.run_client("requests", self.near.limited, self.session_images, self.sessions)),
            lambda: self.time_sessions("near", memory),
            lambda: float(self.run_client("requests", self.near.plain, self.session_images, self.sessions)))
        processes = f"{self.sessions} processes with libcurl alone"
        return [line_of_times(f"{self.sessions} sessions of {self.session_images} look-ups at once, an endpoint that "
                              f"lets {RATE:,} a second through", processes, limited, limit, 1.2, max(memory)),
                line_of_times("the same, an endpoint without a limit, both on the same cores", processes,
                              near, bare, None, max(memory))]

    def row_10(self):
        with self.session() as session:
            self.far.take_requests()
            session.rows("SELECT name FROM far.images WHERE arn = ANY (%s) LIMIT 1", arns(1000))
            requests = self.far.take_requests()
            self.check_requests(10, requests, 1 <= requests <= CONCURRENCY)
            return [line_of_requests("LIMIT 1 over 1,000 ARNs", requests, CONCURRENCY, False, session.peak_memory())]

    def boto3_paginator(self, wanted):
        client = self.boto3_client(self.far.lists_url)
        # Debian's boto3 has the operation, and not yet the paginator that later ones make of this.
        paginator = botocore.paginate.Paginator(
            client.list_image_packages,
            {"input_token": "nextToken", "output_token": "nextToken", "limit_key": "maxResults",
             "result_key": "imagePackageList"},
            client.meta.service_model.operation_model("ListImagePackages"))
        began = time.perf_counter()
        pages = paginator.paginate(imageBuildVersionArn=wanted)
        items = sum(len(page["imagePackageList"]) for page in pages)
        seconds = time.perf_counter() - began
        if items != self.items:
            raise WrongResult(f"boto3 found {items} packages")
        return seconds

    def row_11(self):
        wanted, pages = f"{LIST_OF}:image/list-{self.items}/1.0.0/1", math.ceil(self.items / PAGE_SIZE)
        with self.session() as session:
            session.rows(f"SELECT FROM lists.image_packages WHERE image_arn = '{wanted}' LIMIT 1")
            wrapper, bare, sdk = in_turns(
                self.rounds,
                lambda: self.time_far(11, session, pages, self.items, "SELECT count(package_name) FROM "
                                      "lists.image_packages WHERE image_arn = %s", wanted),
                lambda: float(self.run_client("pages", self.far.lists_url, wanted)),
                lambda: self.boto3_paginator(wanted))
            work = (f"a list of {pages} pages ({self.items:,} packages), {PAGE_LATENCY * 1000:.0f} ms each, "
                    "one after another")
            memory = session.peak_memory()
            return [line_of_times(work, "libcurl alone", wrapper, bare, 1.05, memory),
                    line_of_times("the same", "boto3's paginator", wrapper, sdk, 1.0, memory)]

    def row_12(self):
        wanted = f"{LIST_OF}:image/list-{self.long_items}/1.0.0/1"
        with self.session() as session:
            self.far.take_requests()
            session.rows("SELECT package_name FROM lists.image_packages WHERE image_arn = %s LIMIT 1", wanted)
            requests = self.far.take_requests()
            self.check_requests(12, requests, 1 <= requests <= 2)
            return [line_of_requests(f"LIMIT 1 over a list of {math.ceil(self.long_items / PAGE_SIZE)} pages",
                                     requests, 2, False, session.peak_memory())]

    def row_13(self):
        wanted = f"{LIST_OF}:image-pipeline/list-{self.long_items}"
        with Session(self.work) as session, Session(self.work) as idle:
            self.time_far(13, session, math.ceil(self.long_items / PAGE_SIZE), self.long_items,
                          "SELECT least(count(*), count(arn), count(name), count(platform), count(state_status), "
                          "count(date_created)) FROM lists.image_pipeline_images WHERE image_pipeline_arn = %s", wanted)
            return [line_of_memory(f"a list of {self.long_items:,} images, `count(*)` and five columns",
                                   "a session that did nothing", session.peak_memory(), idle.peak_memory(), 16)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--work", type=pathlib.Path, required=True, help="for files; the cluster's socket is there")
    parser.add_argument("--bindir", type=pathlib.Path, required=True, help="of PostgreSQL's programs")
    parser.add_argument("--client", type=pathlib.Path, required=True, help="bench_client.c, compiled")
    parser.add_argument("--quick", action="store_true", help="small counts, to see that it runs")
    parser.add_argument("rows", nargs="*", type=int, metavar="ROW")
    options = parser.parse_args()
    try:
        wrong = Bench(options).run(options.rows or range(1, 14))
    except WrongResult as error:
        sys.exit(f"bench: {error}")
    for complaint in wrong:
        print(f"bench: {complaint}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
