"""One partner's heavy questions take no other partner's threads."""

import asyncio
import threading

import pytest

from maritime.console.caller import AT_ONCE, THREADS, Reader
from maritime.errors import InputError
from tests.console.house import NOW_MS


def test_a_partner_has_few_threads_even_when_it_does_not_wait_for_its_answers(build):
    house, over, at_work = build(), threading.Event(), []
    reader = house.reader()

    def stuck(_):
        at_work.append(1)
        over.wait(10)

    async def ask():
        impatient = [asyncio.create_task(reader.read("now", stuck)) for _ in range(5 * THREADS)]
        await asyncio.sleep(0.1)
        for task in impatient[:THREADS]:
            task.cancel()  # it hung up; the work goes on
        await asyncio.sleep(0.1)
        other = await asyncio.wait_for(reader.read("also", lambda sent: sent.parcels("also", "actual", 0, 1)), 5)
        stuck_at_once = len(at_work)
        over.set()
        for task in impatient:
            task.cancel()
        await asyncio.gather(*impatient, return_exceptions=True)
        return other, stuck_at_once

    assert asyncio.run(ask()) == ([], AT_ONCE)
    reader.close()


def test_a_ledger_that_breaks_is_an_error(build):
    reader = build().reader()

    def broken(sent):
        sent.ledger.database.execute("SELECT * FROM no_such_table")

    with pytest.raises(InputError, match="cannot be read"):
        asyncio.run(reader.read("now", broken))
    reader.close()


def test_a_ledger_that_is_gone_is_an_error_and_turns_are_given_back(tmp_path):
    reader = Reader(tmp_path / "none.db", lambda: NOW_MS)

    async def ask():
        for _ in range(AT_ONCE + 1):
            with pytest.raises(InputError):
                await asyncio.wait_for(reader.read("now", lambda sent: None), 5)

    asyncio.run(ask())
    reader.close()
