"""Review book: what people have said of alerts, in the order in which it was said, and whether it has been acted on.

It lies in the ledger's own file: one process may write a review down while another shares, which takes it up once, with
its entry. Nothing that was said is changed; it goes when the desk knows the alert no more.
"""

import json
import sqlite3
from typing import Any, Final, NamedTuple

from maritime.errors import UsageError
from maritime.sharing.desk import Whole
from maritime.sharing.human_review import HumanReview
from maritime.sharing.ledger import Ledger
from maritime.sharing.prepare import NATURE

MOST_OF_ALERT: Final = 100  # chosen: as of feedback; nobody says more by hand

TABLES: Final = """
CREATE TABLE IF NOT EXISTS reviews (
    number INTEGER PRIMARY KEY AUTOINCREMENT, internal_id TEXT NOT NULL, internal_revision INTEGER NOT NULL,
    review TEXT NOT NULL, taken_ms INTEGER, is_refused INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS reviews_of_alert ON reviews (internal_id, number);
CREATE INDEX IF NOT EXISTS reviews_waiting ON reviews (number) WHERE taken_ms IS NULL;
"""
COLUMNS: Final = "number, internal_id, internal_revision, review, taken_ms, is_refused"


class Filed(NamedTuple):
    """A review as it is kept, and of which revision it was said. `taken_ms` is None until it is acted on or refused."""

    number: int
    internal_id: str
    internal_revision: int
    review: HumanReview
    taken_ms: int | None
    is_refused: bool


class ReviewReading:
    """Reads what was said, also beside the process that writes. Where there is no table yet, there is nothing in it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._tables = {name for (name,) in self._rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}

    def newest(self, most: int) -> list[Filed]:
        """What was said, the newest first."""
        return self._filed("ORDER BY number DESC LIMIT ?", most)

    def of_alert(self, internal_id: str) -> list[Filed]:
        """What was said of one alert, the oldest first."""
        return self._filed("WHERE internal_id = ? ORDER BY number", internal_id)

    def waiting(self, most: int) -> list[Filed]:
        """What was said and not acted on yet, the oldest first."""
        return self._filed("WHERE taken_ms IS NULL ORDER BY number LIMIT ?", most)

    def unreviewed(self, now_ms: int, most: int) -> list[Whole]:
        """Alerts of which nothing was said and which may still be sent, the newest first."""
        condition = "expires_ms > ?"
        if "reviews" in self._tables:
            condition += " AND NOT EXISTS (SELECT 1 FROM reviews WHERE reviews.internal_id = wholes.internal_id)"
        return self._wholes(f"{condition} ORDER BY sent_ms DESC, internal_id LIMIT ?", now_ms, most)

    def whole(self, begins: str) -> Whole:
        """The alert whose id begins so. Raises UsageError when there is none, or are several."""
        found = self._wholes("substr(internal_id, 1, ?) = ? LIMIT 2", len(begins), begins)
        if not found:
            raise UsageError(f"no alert {begins} can be reviewed here; see 'maritime review list'")
        if len(found) > 1:
            raise UsageError(f"several alerts begin with {begins}; give more of the id")
        return found[0]

    def _wholes(self, condition: str, *values: object) -> list[Whole]:
        if "wholes" not in self._tables:
            return []
        rows = self._rows(f"SELECT {', '.join(Whole._fields)} FROM wholes WHERE {condition}", *values)
        return [Whole(*row) for row in rows]

    def _filed(self, condition: str, *values: object) -> list[Filed]:
        if "reviews" not in self._tables:
            return []
        rows = self._rows(f"SELECT {COLUMNS} FROM reviews {condition}", *values)
        return [
            Filed(number, internal_id, revision, HumanReview.model_validate_json(review), taken_ms, bool(is_refused))
            for number, internal_id, revision, review, taken_ms, is_refused in rows
        ]

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._database.execute(query, values).fetchall()


class ReviewBook:
    """The table beside a ledger. All that is written goes into the ledger's open transaction."""

    def __init__(self, ledger: Ledger) -> None:
        """The desk's tables must be there."""
        self._ledger, self._database = ledger, ledger.database
        with ledger.transaction():
            for statement in filter(str.strip, TABLES.split(";")):
                self._database.execute(statement)
        self.reading = ReviewReading(ledger.database)

    def say(self, whole: Whole, review: HumanReview) -> int:
        """Write down what a person says of an alert, for who shares to act on; gives its number.

        Raises UsageError when an offence is named of an alert that is a distress call or about reception, and when
        too much was said of it.
        """
        kind = json.loads(whole.alert)["type"]
        if review.named_offence and NATURE.get(kind) is not None:
            raise UsageError(f"{whole.internal_id} is a {kind}, which is no behaviour; an offence is named of what is")
        with self._ledger.transaction():
            if len(self.reading.of_alert(whole.internal_id)) >= MOST_OF_ALERT:
                raise UsageError(f"{MOST_OF_ALERT} reviews of {whole.internal_id} are kept; no more are taken")
            ((number,),) = self._database.execute(
                "INSERT INTO reviews (internal_id, internal_revision, review) VALUES (?, ?, ?) RETURNING number",
                (whole.internal_id, whole.internal_revision, review.canonical().decode()),
            ).fetchall()
        return int(number)

    def standing(self, internal_id: str) -> HumanReview | None:
        """What stands of an alert by all that was acted on; None: no person has said anything."""
        stands: HumanReview | None = None
        for each in self.reading.of_alert(internal_id):
            if each.taken_ms is not None and not each.is_refused:
                stands = each.review.after(stands)
        return stands

    def take(self, number: int, now_ms: int, *, is_refused: bool = False) -> None:
        """It stands from now on; or never, where it cannot be acted on."""
        self._database.execute(
            "UPDATE reviews SET taken_ms = ?, is_refused = ? WHERE number = ?", (now_ms, is_refused, number)
        )

    def purge(self) -> None:
        """Forget what was said of alerts that the desk has forgotten. To be called after it did."""
        self._database.execute(
            "DELETE FROM reviews WHERE taken_ms IS NOT NULL AND NOT EXISTS "
            "(SELECT 1 FROM remembered WHERE remembered.internal_id = reviews.internal_id)"
        )
