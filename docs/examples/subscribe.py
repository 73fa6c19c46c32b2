"""Read what a partner shares with you, and verify each alert. verify_envelope.py lies beside it.

Needs: pip install kafka-python lz4 'PyJWT[crypto]' rfc8785

python subscribe.py BROKERS NAME CA.pem PASSWORD_FILE KEYS.json
"""

import json
import sys
from pathlib import Path

from kafka import KafkaConsumer
from verify_envelope import verified_envelope


def consumer_of(brokers: str, name: str, ca_file: str, password_file: str) -> KafkaConsumer:
    """A consumer of your alerts. Its group begins with your name and a dot: the log refuses others."""
    return KafkaConsumer(
        f"alerts.{name}",
        bootstrap_servers=brokers.split(","),
        security_protocol="SASL_SSL",
        ssl_cafile=ca_file,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=f"partner.{name}",
        sasl_plain_password=Path(password_file).read_text().strip(),
        group_id=f"{name}.watch",
        isolation_level="read_committed",  # what was not committed was never sent
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )


def main(brokers: str, name: str, ca_file: str, password_file: str, keys_file: str) -> None:
    """Tell of each alert as it comes, until stopped."""
    key_set = json.loads(Path(keys_file).read_text())
    newest: dict[str, int] = {}  # revision by alert; in your own store, in earnest
    last = None
    consumer = consumer_of(brokers, name, ca_file, password_file)
    for record in consumer:
        event = json.loads(record.value)
        sequence = int(event["sequence"])
        if last is not None and sequence != last + 1:
            print(f"after {last} comes {sequence}: something is missing; ask the originator", flush=True)
        last = sequence
        try:
            envelope = verified_envelope(event, key_set)
        except Exception as error:  # whatever is wrong with it: it is not to be believed
            print(f"{sequence}: not valid, passed over: {error}", flush=True)
        else:
            alert_id, revision = envelope["alert_id"], envelope["revision"]
            if revision > newest.get(alert_id, -1):  # an older one may come again
                newest[alert_id] = revision
                print(f"{sequence}: {envelope['kind']} {alert_id} revision {revision}", flush=True)
        consumer.commit()  # after it was dealt with, so that none is lost


if __name__ == "__main__":
    main(*sys.argv[1:])
