"""Decoding speed: `python -m benchmarks.decode`.

The tag-block NMEA of the shared San Francisco Bay log, from memory to columns with times, in blocks of 4 MiB; beside
pyais on the same bytes (assembly, fields and tag block of each message) and libais on the bare payloads of the same
messages, its parts already joined and checked. Seconds are processor seconds of one thread, the best of some rounds;
compiling is measured apart, in processes of their own with an empty and with a filled cache.
"""

import argparse
import gzip
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import ais
import pyais
from pyais.stream import IterMessages
from rich.console import Console
from rich.table import Table

from maritime.ais.decoder import Decoder
from maritime.columns import SourceTable

LOG: Final = "nmea/sf_bay_2020-01-01_tagblock.nm4.gz"
BLOCK_BYTES: Final = 4 << 20  # as the sources hand them over
REPEATS: Final = 10  # of the log in one round, 1.3 million sentences
ROUNDS: Final = 5
LEAST_PER_S: Final = 3_000_000
LEAST_TIMES_PYAIS: Final = 40

FIRST_CALL: Final = """
import time
from maritime.ais.decoder import Decoder
from maritime.columns import SourceTable
started = time.perf_counter()
Decoder(SourceTable()).feed(b"!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A\\n")
print(time.perf_counter() - started)
"""


def shared_log() -> bytes:
    """Return the shared log, unpacked; FileNotFoundError where it is absent."""
    shared = Path(os.environ.get("MARITIME_SHARED_DIR", Path(__file__).resolve().parents[1] / ".." / "shared"))
    path = (shared / "data" / LOG).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"no log '{path}'; set MARITIME_SHARED_DIR to the folder that holds data/")
    return gzip.decompress(path.read_bytes())


def best_s(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Processor seconds of the fastest of some rounds."""
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def decode_to_columns(log: bytes) -> Decoder:
    """Decode a log as the sources do, in blocks."""
    decoder = Decoder(SourceTable())
    view = memoryview(log)
    for start in range(0, len(log), BLOCK_BYTES):
        decoder.feed(view[start : start + BLOCK_BYTES])
    decoder.finish()
    return decoder


def decode_with_pyais(lines: list[bytes]) -> int:
    """Decode a log with pyais, the receiver's time of each message included."""
    n_messages = 0
    for message in IterMessages(lines):
        if message.tag_block is not None:
            message.tag_block.init()
            float(message.tag_block.receiver_timestamp or 0)
        message.decode()
        n_messages += 1
    return n_messages


def decode_with_libais(payloads: list[tuple[str, int]]) -> None:
    """Decode joined payloads with libais."""
    for payload, fill_bits in payloads:
        ais.decode(payload, fill_bits)


def first_call_s(cache: str) -> float:
    """Seconds of the first call in a new process that keeps compiled kernels in a folder."""
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    answer = subprocess.run(
        [sys.executable, "-c", FIRST_CALL], env=environment, check=True, capture_output=True, text=True
    )
    return float(answer.stdout)


def run() -> dict[str, Any]:
    """Measure, and return the numbers by name."""
    log = shared_log()
    repeated = log * REPEATS
    decoder = decode_to_columns(log)  # compiles, or loads what is compiled
    n_sentences = decoder.sentences
    columns_s = best_s(lambda: decode_to_columns(repeated)) / REPEATS
    lines = log.splitlines()
    pyais_s = best_s(lambda: decode_with_pyais(lines), rounds=2)
    decoder = Decoder(SourceTable())
    decoder.feed(log)
    payloads = [(message.payload, message.fill_bits) for message in decoder.messages()]
    libais_s = best_s(lambda: decode_with_libais(payloads), rounds=3)
    with tempfile.TemporaryDirectory() as cache:
        compile_s, cached_s = first_call_s(cache), first_call_s(cache)
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "pyais_version": pyais.__version__,
        "sentences": n_sentences,
        "megabytes": len(log) / 1e6,
        "messages": len(payloads),
        "sentences_per_s": n_sentences / columns_s,
        "megabytes_per_s": len(log) / 1e6 / columns_s,
        "pyais_sentences_per_s": n_sentences / pyais_s,
        "times_pyais": pyais_s / columns_s,
        "messages_per_s": len(payloads) / columns_s,
        "libais_messages_per_s": len(payloads) / libais_s,
        "times_libais": libais_s / columns_s,
        "compile_s": compile_s,
        "first_call_from_cache_s": cached_s,
    }


def main() -> None:
    """Measure and print a table; exit code 1 where a target is missed."""
    argparse.ArgumentParser(prog="python -m benchmarks.decode", description=__doc__).parse_args()
    found = run()
    table = Table(title=f"Decoding {found['sentences']:,} sentences ({found['megabytes']:.1f} MB), {found['machine']}")
    table.add_column("decoder")
    table.add_column("sentences/s", justify="right")
    table.add_column("messages/s", justify="right")
    table.add_column("this is faster by", justify="right")
    table.add_row(
        "maritime, bytes to columns", f"{found['sentences_per_s']:,.0f}", f"{found['messages_per_s']:,.0f}", ""
    )
    table.add_row(
        f"pyais {found['pyais_version']}, bytes to objects",
        f"{found['pyais_sentences_per_s']:,.0f}",
        f"{found['pyais_sentences_per_s'] * found['messages'] / found['sentences']:,.0f}",
        f"{found['times_pyais']:.0f} ×",
    )
    table.add_row(
        "libais, joined payloads to dictionaries",
        "",
        f"{found['libais_messages_per_s']:,.0f}",
        f"{found['times_libais']:.0f} ×",
    )
    console = Console()
    console.print(table)
    console.print(
        f"compiling, once per machine: {found['compile_s']:.1f} s; "
        f"first call of a later process: {found['first_call_from_cache_s']:.2f} s"
    )
    missed = found["sentences_per_s"] < LEAST_PER_S or found["times_pyais"] < LEAST_TIMES_PYAIS
    console.print(
        f"target of {LEAST_PER_S:,} sentences/s and {LEAST_TIMES_PYAIS} × pyais: {'missed' if missed else 'met'}"
    )
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
