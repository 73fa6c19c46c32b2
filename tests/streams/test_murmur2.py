"""Kafka's partitioner: against Java's results, against kafka-python's, and the vectorised form against the scalar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.murmur2 import murmur2, partition_of, partitions_of, vessel_key

# org.apache.kafka.common.utils.Utils.murmur2 of kafka-clients 4.3.1, run on these strings as ASCII.
OF_JAVA = {
    "": 275646681,
    "0": 971027396,
    "21": -973932308,
    "abc": 479470107,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "000000000": 1814023307,
    "002320042": -140200323,
    "111232506": 2022352236,
    "219018000": -1830050668,
    "244660000": 193679403,
    "366999712": 177106,
    "412345678": -1730688373,
    "525019000": 436608151,
    "970123456": -749446281,
    "999999999": -415561645,
}


@pytest.mark.parametrize(("key", "hashed"), OF_JAVA.items())
def test_equal_to_java(key, hashed):
    assert murmur2(key.encode()) == hashed


@given(st.binary(max_size=40), st.integers(1, 64))
def test_equal_to_kafka_python(key, partitions):
    from kafka.partitioner import murmur2 as theirs

    assert murmur2(key) & 0xFFFFFFFF == theirs(key)
    assert partition_of(key, partitions) == (theirs(key) & 0x7FFFFFFF) % partitions


@given(st.lists(st.integers(0, 999_999_999) | st.integers(0, (1 << 30) - 1), max_size=50), st.integers(1, 64))
def test_many_vessels_at_once(mmsi, partitions):
    found = partitions_of(np.array(mmsi, dtype=np.uint32), partitions)
    assert found.dtype == np.int32
    assert found.tolist() == [partition_of(vessel_key(each), partitions) for each in mmsi]


def test_a_key_has_nine_digits():
    assert vessel_key(2320042) == b"002320042"
    assert vessel_key(970123456) == b"970123456"
