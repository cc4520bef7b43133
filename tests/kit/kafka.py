"""Apache Kafka for tests: one KRaft node, its jars fetched by Maven once."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.servers import Server, absent, docker_answers, free_port, listens, started

VERSION = "4.1.0"
IMAGE = "confluentinc/cp-kafka:8.1.0"
CACHE = Path.home() / ".cache" / "vitascope" / f"kafka-{VERSION}"
FORMAT = ("kafka.tools.StorageTool", "format", "--standalone")
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"

POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>vitascope</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""

NODE = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=true
"""

LOGGING = """\
Configuration:
  Appenders:
    Console:
      name: STDOUT
      PatternLayout: {pattern: "%d %p %m (%c)%n"}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: STDOUT}}
"""


@contextmanager
def kafka_server(folder: Path) -> Iterator[str]:
    """Yield `HOST:PORT` of a broker that creates topics, of three partitions, on first use."""
    if address := os.environ.get("VITASCOPE_TEST_KAFKA"):
        yield address
    elif _java():
        with started(local_kafka(folder)) as server:
            yield server.address
    elif docker_answers():
        with _container() as address:
            yield address
    else:
        absent("no Apache Kafka: no Java 17, no Docker")


class Kafka(Server):
    """A broker on this machine, not started yet; `address` is `HOST:PORT`. It keeps its data."""

    def __init__(self, java: str, folder: Path) -> None:
        port = free_port()
        properties, logging = folder / "server.properties", folder / "log4j2.yaml"
        properties.write_text(NODE.format(port=port, controller=free_port(), folder=folder))
        logging.write_text(LOGGING)
        program = [java, "-Xmx512m", "-cp", f"{CACHE}/*", f"-Dlog4j2.configurationFile={logging}"]
        subprocess.run(
            [*program, *FORMAT, "-t", CLUSTER, "-c", properties], check=True, capture_output=True
        )
        command: list[str | Path] = [*program, "kafka.Kafka", properties]
        super().__init__(command, folder / "kafka.log", lambda: listens(port))
        self.address = f"127.0.0.1:{port}"


def local_kafka(folder: Path) -> Kafka:
    """Have a broker on this machine that can be killed; see `absent` where there is no Java."""
    java = _java()
    if java is None:
        absent("no Apache Kafka to kill: no Java 17")
    if not _jars():
        absent("no Apache Kafka: its jars are not here and Maven cannot fetch them")
    return Kafka(java, folder)


def _java() -> str | None:
    java = shutil.which("java")
    if java is None:
        return None
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    return java if version and int(version[1]) >= 17 else None


def _jars() -> bool:
    """Have the jars in the cache; False when they are missing and cannot be fetched."""
    if CACHE.is_dir():
        return True
    maven = shutil.which("mvn")
    if maven is None:
        return False
    # Two sessions may fetch at once: each into its own folder, the first to finish wins.
    folder = CACHE.with_name(f"{CACHE.name}.{os.getpid()}")
    folder.mkdir(parents=True)
    (folder / "pom.xml").write_text(POM)
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=."]
    fetched = subprocess.run(
        [maven, "-q", "-B", *goal], cwd=folder, capture_output=True, check=False
    )
    if fetched.returncode == 0 and not CACHE.is_dir():
        folder.rename(CACHE)
    shutil.rmtree(folder, ignore_errors=True)
    return CACHE.is_dir()


@contextmanager
def _container() -> Iterator[str]:
    from testcontainers.community.kafka import KafkaContainer

    with KafkaContainer(IMAGE).with_kraft() as container:
        yield container.get_bootstrap_server()
