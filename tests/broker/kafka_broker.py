"""Apache Kafka itself, in KRaft mode on loopback, for the tests: no container, no service that must run before.

The jars come through Maven, once, into the user's cache folder; then `kafka.tools.StorageTool` formats a folder and
class `kafka.Kafka` serves it until the tests end. Java and Maven are installed from the system's packages where they
are missing and the user is root. `KAFKA_BOOTSTRAP` in the environment names a broker that runs already.
"""

import base64
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import trustme
from cryptography.hazmat.primitives import serialization

POM = Path(__file__).with_name("pom.xml")
FETCH_TIMEOUT_S = 600.0
INSTALL_TIMEOUT_S = 600.0
FORMAT_TIMEOUT_S = 120.0
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0
PACKAGES = {"java": "openjdk-17-jre-headless", "mvn": "maven"}
LOG_LINES_SHOWN = 40

ADMIN = "admin"
PASSWORDS = {ADMIN: "admin-of-the-tests", "ingest": "ingest-of-the-tests", "detect": "detect-of-the-tests"}
PASSWORDS |= {"tail": "tail-of-the-tests", "partner": "partner-of-the-tests"}

PROPERTIES = """\
process.roles=broker,controller
node.id={node_id}
controller.quorum.bootstrap.servers={controllers}
controller.listener.names=CONTROLLER
listeners={protocol}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners={protocol}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocol}:{protocol}
inter.broker.listener.name={protocol}
log.dirs={folder}/log
auto.create.topics.enable=false
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
min.insync.replicas={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=8388608
log.segment.bytes=16777216
log.index.size.max.bytes=1048576
"""

SECURITY = """\
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
username="{admin}" password="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
ssl.endpoint.identification.algorithm=https
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:{admin};User:ANONYMOUS
connections.max.reauth.ms=6000
"""

LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
"""


class NoBrokerError(Exception):
    """No broker can be started here; the sentence says what is missing."""


class Seat(NamedTuple):
    """Where one broker of a cluster listens, and the name of its folder among the voters."""

    node_id: int
    port: int
    controller_port: int
    directory_id: str


class Broker:
    """One broker process with its folder. Started by `start`; the log on disk outlives `kill` and `restart`.

    Alone, or with `seats` one of a cluster, the one of number `node_id`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        secured: bool = False,
        seats: Sequence[Seat] = (),
        node_id: int = 1,
        cluster_id: str | None = None,
    ) -> None:
        self.folder = folder
        self.secured = secured
        self.node_id = node_id
        self._seats = seats or new_seats(1)
        self._cluster_id = cluster_id or new_id()
        _, self.port, controller_port, _ = self._seats[node_id - 1]
        self._process: subprocess.Popen[bytes] | None = None
        self._classpath = f"{jars()}/*"
        self._output = folder / "broker.log"
        properties = PROPERTIES.format(
            protocol="SASL_SSL" if secured else "PLAINTEXT",
            port=self.port,
            controller_port=controller_port,
            controllers=",".join(f"127.0.0.1:{seat.controller_port}" for seat in self._seats),
            node_id=node_id,
            copies=len(self._seats),
            in_sync=len(self._seats) // 2 + 1,
            folder=folder,
        )
        if secured:
            write_keys(folder)
            properties += SECURITY.format(folder=folder, admin=ADMIN, password=PASSWORDS[ADMIN])
        (folder / "server.properties").write_text(properties)
        (folder / "log4j2.properties").write_text(LOGGING)
        self._format()

    @property
    def bootstrap(self) -> str:
        """Address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        """Certificate that signed the broker's."""
        return self.folder / "ca.pem"

    @property
    def can_be_killed(self) -> bool:
        """Whether the process is ours."""
        return True

    @property
    def pid(self) -> int | None:
        """Number of the process; None when it is not running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the process and wait until it takes connections. Raises NoBrokerError with the end of its log."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the process."""
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [*self._java(), "kafka.Kafka", str(self.folder / "server.properties")],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    def wait(self) -> None:
        """Wait until the process takes connections."""
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while not takes_connections(self.port):
            if self._process.poll() is not None:
                raise NoBrokerError(f"the broker ended with code {self._process.returncode}:\n{self.log()}")
            if time.monotonic() > deadline:
                self.kill()
                raise NoBrokerError(f"the broker took no connection in {START_TIMEOUT_S:.0f} s:\n{self.log()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the process in order; at once, if it takes too long."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Start again on the same log and the same port."""
        self.stop()
        self.start()

    def log(self, lines: int = LOG_LINES_SHOWN) -> str:
        """The end of what the broker wrote."""
        if not self._output.exists():
            return "(no log)"
        return "\n".join(self._output.read_text(errors="replace").splitlines()[-lines:])

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
        self._process = None

    def _java(self) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        return [
            "java",
            "-Xms128m",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            logging,
            "-cp",
            self._classpath,
        ]

    def _format(self) -> None:
        command = [*self._java(), "kafka.tools.StorageTool", "format", "--cluster-id", self._cluster_id]
        command += ["--config", str(self.folder / "server.properties")]
        if len(self._seats) == 1:
            command.append("--standalone")
        else:
            voters = (f"{s.node_id}@127.0.0.1:{s.controller_port}:{s.directory_id}" for s in self._seats)
            command += ["--initial-controllers", ",".join(voters)]
        if self.secured:
            for name, password in PASSWORDS.items():
                command += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        run(command, FORMAT_TIMEOUT_S, "the broker's folder could not be formatted")


class Cluster:
    """Three brokers, each a voter too: any one may be killed, and what is committed stays."""

    SIZE = 3

    def __init__(self, folder: Path) -> None:
        seats, cluster_id = new_seats(self.SIZE), new_id()
        self.nodes: dict[int, Broker] = {}
        for seat in seats:
            place = folder / f"node{seat.node_id}"
            place.mkdir()
            self.nodes[seat.node_id] = Broker(place, seats=seats, node_id=seat.node_id, cluster_id=cluster_id)

    @property
    def bootstrap(self) -> str:
        """Addresses for clients."""
        return ",".join(node.bootstrap for node in self.nodes.values())

    def start(self) -> None:
        """Start all, and wait until they take connections: none does before two are there."""
        for node in self.nodes.values():
            node.launch()
        for node in self.nodes.values():
            node.wait()

    def stop(self) -> None:
        """End all processes at once: in order, the last ones would wait for those that are gone."""
        for node in self.nodes.values():
            node.kill()

    def log(self) -> str:
        """The end of what each wrote."""
        return "\n".join(f"node {number}:\n{node.log()}" for number, node in self.nodes.items())


class RunningBroker:
    """The broker that `KAFKA_BOOTSTRAP` names; it belongs to someone else."""

    secured = False
    can_be_killed = False

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def stop(self) -> None:
        """Leave it running."""

    def log(self, lines: int = LOG_LINES_SHOWN) -> str:
        """Its log is elsewhere."""
        return f"(the log of {self.bootstrap} is not here)"


def jars() -> Path:
    """The folder with the broker's jars; fetched when it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maritime-watch"
    folder = cache / f"kafka-{kafka_version()}"
    if folder.is_dir():
        require(["java"])
        return folder
    require(PACKAGES)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".kafka-") as new:
        fetched = Path(new) / "jars"
        command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={fetched}"]
        run(command, FETCH_TIMEOUT_S, "the broker's jars could not be fetched with Maven", cwd=new)
        try:
            fetched.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    return folder


def kafka_version() -> str:
    """The version that pom.xml states."""
    found = ElementTree.parse(POM).getroot().findtext(".//{*}kafka.version")
    assert found
    return found


def require(programs: Iterable[str]) -> None:
    """Install what is missing of Java and Maven, as root; otherwise say what to install."""
    missing = [PACKAGES[program] for program in programs if shutil.which(program) is None]
    if not missing:
        return
    names = " ".join(missing)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoBrokerError(f"the tests' broker needs {names}; install them, or set KAFKA_BOOTSTRAP to a broker")
    print(f"installing {names} with apt-get, for the tests' broker", flush=True)
    failed = f"{names} could not be installed"
    run(["apt-get", "update", "-qq"], INSTALL_TIMEOUT_S, failed)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], INSTALL_TIMEOUT_S, failed)


def run(command: list[str], timeout_s: float, failed: str, cwd: str | None = None) -> None:
    """Run a program to its end. Raises NoBrokerError with the end of what it wrote."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            timeout=timeout_s,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise NoBrokerError(f"{failed}: it took more than {timeout_s:.0f} s") from None
    if done.returncode != 0:
        end = "\n".join(done.stdout.splitlines()[-LOG_LINES_SHOWN:])
        raise NoBrokerError(f"{failed} (code {done.returncode}):\n{end}")


def write_keys(folder: Path) -> None:
    """A certificate authority and the broker's key, as PKCS #8, the only kind that Kafka reads."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other_ca.pem")
    issued = authority.issue_cert("127.0.0.1", "localhost")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    pkcs8 = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = b"".join(certificate.bytes() for certificate in issued.cert_chain_pems)
    (folder / "broker.pem").write_bytes(pkcs8 + chain)


def new_id() -> str:
    """An id as Kafka writes them: 128 bits in the URL's base 64; it takes none that begins with a dash."""
    return base64.urlsafe_b64encode(b"\x01" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def new_seats(count: int) -> tuple[Seat, ...]:
    """Seats on free ports, numbered from 1."""
    ports = free_ports(2 * count)
    return tuple(Seat(i + 1, ports[2 * i], ports[2 * i + 1], new_id()) for i in range(count))


def free_ports(count: int) -> list[int]:
    """Loopback ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def takes_connections(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
