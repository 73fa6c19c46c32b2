"""Asks a process how it is, for health checks of containers: python -m streams.observe.probe [URL]

Exit code 0 when it answers 200, else 1 with what it said.
"""

import sys
import urllib.error
import urllib.request
from typing import Final

URL: Final = "http://127.0.0.1:9108/healthz"
TIMEOUT_S: Final = 5.0
MOST_BYTES: Final = 4_096


def probe(url: str) -> str | None:
    """What is wrong; None when all is well."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is behind no proxy
        with opener.open(url, timeout=TIMEOUT_S):
            return None
    except urllib.error.HTTPError as error:
        return f"{url}: {error.code} {error.read(MOST_BYTES).decode('utf-8', 'replace').strip()}"
    except (OSError, ValueError) as error:
        return f"{url}: {error}"


def main() -> None:
    """Probe, and exit."""
    wrong = probe(sys.argv[1] if len(sys.argv) > 1 else URL)
    if wrong is not None:
        sys.exit(wrong)


if __name__ == "__main__":
    main()
