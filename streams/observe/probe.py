"""Asks a process how it is, for health checks of containers: python -m streams.observe.probe [URL [CODE]]

Exit code 0 when it answers 200, or CODE, else 1 with what it said. The certificate is not looked at: it asks its own
machine, under an address that no certificate names.
"""

import ssl
import sys
import urllib.error
import urllib.request
from typing import Final

URL: Final = "http://127.0.0.1:9108/healthz"
WELL: Final = 200
TIMEOUT_S: Final = 5.0
MOST_BYTES: Final = 4_096


def probe(url: str, well: int = WELL) -> str | None:
    """What is wrong; None when it answers with the code that says all is well."""
    try:
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),  # loopback is behind no proxy
            urllib.request.HTTPSHandler(context=tls),
        )
        with opener.open(url, timeout=TIMEOUT_S) as answer:
            return None if answer.status == well else f"{url}: {answer.status}"
    except urllib.error.HTTPError as error:
        if error.code == well:
            return None
        return f"{url}: {error.code} {error.read(MOST_BYTES).decode('utf-8', 'replace').strip()}"
    except (OSError, ValueError) as error:
        return f"{url}: {error}"


def main() -> None:
    """Probe, and exit."""
    wrong = probe(sys.argv[1] if len(sys.argv) > 1 else URL, int(sys.argv[2]) if len(sys.argv) > 2 else WELL)
    if wrong is not None:
        sys.exit(wrong)


if __name__ == "__main__":
    main()
