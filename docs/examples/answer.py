"""Say what you think of an alert, over the log. subscribe.py beside it reads the alerts.

Needs: pip install kafka-python

python answer.py BROKERS NAME CA.pem PASSWORD_FILE ALERT_ID REVISION confirmed ROLE
python answer.py BROKERS NAME CA.pem PASSWORD_FILE ALERT_ID REVISION dismissed:known_operation ROLE
python answer.py BROKERS NAME CA.pem PASSWORD_FILE ALERT_ID REVISION "ask:Which flag?" ROLE
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from kafka import KafkaProducer

HOURS_TO_ANSWER = 4


def feedback(alert_id: str, revision: str, what: str, role: str) -> dict:
    """A message; keep it until it is confirmed, and send the same one again if it is not."""
    kind, _, detail = what.partition(":")
    now = datetime.now(UTC).replace(microsecond=0)
    made = {"feedback_id": str(uuid4()), "alert_id": alert_id, "revision": int(revision)}
    made |= {"kind": kind, "at": now.isoformat(), "role": role}
    if kind == "dismissed":
        made["reason"] = detail
    elif kind == "ask":
        answer_by = (now + timedelta(hours=HOURS_TO_ANSWER)).isoformat()
        made |= {"kind": "request_for_information", "question": detail, "answer_by": answer_by}
    return made


def event(name: str, message: dict) -> dict:
    """The message as a CloudEvent."""
    return {
        "specversion": "1.0",
        "id": message["feedback_id"],
        "source": f"/partner/{name}",
        "type": "org.maritime-watch.feedback.v1",
        "subject": message["alert_id"],
        "time": message["at"],
        "datacontenttype": "application/json",
        "data": message,
    }


def main(brokers: str, name: str, ca_file: str, password_file: str, *said: str) -> None:
    """Write one message and wait until the log has it."""
    message = feedback(*said)
    producer = KafkaProducer(
        bootstrap_servers=brokers.split(","),
        security_protocol="SASL_SSL",
        ssl_cafile=ca_file,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=f"partner.{name}",
        sasl_plain_password=Path(password_file).read_text().strip(),
        acks="all",
        enable_idempotence=False,  # the same feedback_id counts once, whatever is written twice
    )
    value = json.dumps(event(name, message)).encode()
    producer.send(f"feedback.{name}", value, key=message["alert_id"].encode()).get(timeout=30)
    producer.close()
    print(f"{message['kind']}, as {message['feedback_id']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
