"""Sent: the parcels of each partner's channel, for those who fetch. Read beside the publisher, never written.

They are kept until their recipient must have purged them. What is asked for is always asked for one partner: nothing
here can give a parcel to another.
"""

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple, Self

from maritime.errors import InputError
from maritime.sharing.desk import Channel
from maritime.sharing.envelope import Envelope
from maritime.sharing.ledger import Ledger
from maritime.sharing.release import Release

CHANNELS: Final[tuple[Channel, ...]] = ("actual", "exercise")
COLUMNS: Final = "sequence, added_ms, retain_until_ms, first_sent, envelope, jws"


class Sent(NamedTuple):
    """A parcel as it was sent; in a channel `added_ms` grows with the sequence."""

    sequence: int
    added_ms: int
    retain_until_ms: int
    first_sent: str  # when the alert's first revision was
    envelope: bytes  # canonical
    jws: str

    def release(self) -> Release:
        """The copy and its signature."""
        return Release(Envelope.model_validate_json(self.envelope), self.jws)


class SentParcels:
    """What was sent, in the ledger's file, and may still be kept at a time."""

    def __init__(self, path: Path, now_ms: int) -> None:
        """Open a ledger for reading. Raises InputError when it is none, or none that keeps what was sent."""
        self.now_ms = now_ms
        self.ledger = Ledger(path, read_only=True)
        try:
            self.ledger.database.execute(f"SELECT {COLUMNS} FROM parcels LIMIT 0")
        except sqlite3.Error as error:
            self.ledger.close()
            raise InputError(f"ledger {path} holds no parcels ({error}); let a publisher open it once") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()

    def parcels(self, partner: str, channel: Channel, after_sequence: int, most: int) -> list[Sent]:
        """Parcels of a channel after a sequence, in their order."""
        return self._read("sequence > ? ORDER BY sequence LIMIT ?", partner, channel, after_sequence, most)

    def newest(self, partner: str, channel: Channel, before_sequence: int, most: int) -> list[Sent]:
        """Parcels of a channel before a sequence, the newest first."""
        return self._read("sequence < ? ORDER BY sequence DESC LIMIT ?", partner, channel, before_sequence, most)

    def current(self, partner: str, channel: Channel, after_sequence: int, most: int) -> list[Sent]:
        """Of each alert the newest revision, those after a sequence, in the order in which they were sent."""
        return self._read(
            "sequence > ? AND NOT EXISTS (SELECT 1 FROM parcels AS later WHERE later.partner = parcels.partner "
            "AND later.alert_id = parcels.alert_id AND later.revision > parcels.revision) ORDER BY sequence LIMIT ?",
            partner,
            channel,
            after_sequence,
            most,
        )

    def of_alert(self, partner: str, channel: Channel, alert_id: str) -> Sent | None:
        """The newest revision of an alert in a channel; None when there is none."""
        found = self._read("alert_id = ? ORDER BY revision DESC LIMIT 1", partner, channel, alert_id)
        return found[0] if found else None

    def revision(self, partner: str, alert_id: str, revision: int) -> tuple[Channel, Sent] | None:
        """A revision of an alert and the channel that it was sent on; None when there is none."""
        for channel in CHANNELS:
            found = self._read("alert_id = ? AND revision = ?", partner, channel, alert_id, revision)
            if found:
                return channel, found[0]
        return None

    def _read(self, condition: str, partner: str, channel: Channel, *values: object) -> list[Sent]:
        rows = self.ledger.database.execute(
            f"SELECT {COLUMNS} FROM parcels WHERE partner = ? AND channel = ? AND retain_until_ms > ? AND {condition}",
            (partner, channel, self.now_ms, *values),
        )
        return [Sent(*row) for row in rows]
