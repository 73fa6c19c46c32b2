"""Record layouts, limits and codes shared by the framing and message kernels and the shell above them."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

REASONS: Final = (
    "line_too_long",
    "unknown_sentence",
    "missing_checksum",
    "bad_checksum",
    "bad_tag_block",
    "malformed_sentence",
    "bad_part_number",
    "bad_fill_bits",
    "empty_payload",
    "bad_armor",
    "payload_too_long",
    "incomplete_multipart",
    "unknown_message_type",
    "truncated_payload",
    "no_time",
    "time_out_of_range",
    "position_out_of_range",
    "half_position",
)
"""Why a sentence or message is refused; a reason's code is its place in this list."""

(
    LINE_TOO_LONG,
    UNKNOWN_SENTENCE,
    MISSING_CHECKSUM,
    BAD_CHECKSUM,
    BAD_TAG_BLOCK,
    MALFORMED_SENTENCE,
    BAD_PART_NUMBER,
    BAD_FILL_BITS,
    EMPTY_PAYLOAD,
    BAD_ARMOR,
    PAYLOAD_TOO_LONG,
    INCOMPLETE_MULTIPART,
    UNKNOWN_MESSAGE_TYPE,
    TRUNCATED_PAYLOAD,
    NO_TIME_KNOWN,
    TIME_OUT_OF_RANGE,
    POSITION_OUT_OF_RANGE,
    HALF_POSITION,
) = np.arange(len(REASONS))  # int64, not literals, for each of which numba would compile its callers anew
ACCEPTED: Final = 255

NO_TIME: Final = np.int64(-1)
LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01; chosen: a later time is a corrupted one

LINE_LIMIT_BYTES: Final = 65_536  # chosen: a UDP datagram's most, far above any line of sentences
RAW_LIMIT_BYTES: Final = 1_024  # what a Reject keeps, see maritime.columns
PAYLOAD_LIMIT_CHARS: Final = 200  # one sentence: IEC 61162-1 allows 62; logs with joined parts have up to 178
MESSAGE_LIMIT_CHARS: Final = 9 * PAYLOAD_LIMIT_CHARS  # IEC 61162-1: at most nine sentences

NAMES_LIMIT: Final = 65_535  # as SourceTable.LIMIT
NAME_LIMIT_BYTES: Final = 64  # chosen: station names in tag blocks have 15 characters at most (IEC 61162-450)
NAME_TABLE_SIZE: Final = 1 << 17

BUCKETS: Final = 128  # unfinished multi-part messages: buckets by channel, sequence id, total and talker …
WAYS: Final = 8  # … of so many slots each; the oldest leaves when its bucket is full
PART_LIMIT_MS: Final = 10_000  # chosen: a station may reuse a sequence id after ten messages, about 10 s when busy
PART_LIMIT_SENTENCES: Final = 1_000  # chosen: the same where sentences carry no time

GROUPS: Final = 256  # tag-block groups remembered at once, by their id
GROUP_LIMIT_SENTENCES: Final = 1_000  # chosen: as for parts

CLOCK_STEP_LIMIT_MS: Final = (
    3_600_000  # chosen: a base station an hour off the others needs a second one to be believed
)

# How a message came by its time.
TIME_NONE: Final = 0
TIME_OF_LINE: Final = 1  # tag block, suffix, wrapper or prefix
TIME_OF_OWN_SHIP: Final = 2  # the newest RMC or ZDA

STATE: Final = np.dtype(
    [
        ("line", np.int64),  # lines seen
        ("ordinal", np.int64),  # AIS sentences seen
        ("after_cr", np.int64),  # a line feed here belongs to the carriage return before it
        ("skipping", np.int64),  # inside a line that was refused as too long
        ("own_ship_t", np.int64),
        ("wrapper_t", np.int64),  # of a $PGHP waiting for its VDM
        ("wrapper_source", np.int64),
        ("prefix_t", np.int64),  # these five: of the line at hand
        ("tag_t", np.int64),
        ("tag_source", np.int64),
        ("tag_bad", np.int64),
        ("segment", np.int64),  # where the bytes of the sentence at hand begin, with what stands before it
        ("n_names", np.int64),
        ("last_name", np.int64),
        ("n_messages", np.int64),  # these four: filled so far in the output arrays
        ("n_rejects", np.int64),
        ("n_sixbit", np.int64),
        ("n_raw", np.int64),
    ]
)

SLOT: Final = np.dtype(
    [
        ("used", np.int64),
        ("key", np.int64),
        ("source", np.int64),
        ("t", np.int64),
        ("line", np.int64),
        ("ordinal", np.int64),
        ("total", np.int64),
        ("next_part", np.int64),
        ("n_chars", np.int64),
        ("n_raw", np.int64),
    ]
)

GROUP: Final = np.dtype(
    [("id", np.int64), ("total", np.int64), ("t", np.int64), ("source", np.int64), ("ordinal", np.int64)]
)

MESSAGE: Final = np.dtype(
    [
        ("start", np.int64),  # first of its six-bit characters in the pool
        ("n_bits", np.int64),
        ("t", np.int64),
        ("line", np.int64),  # of its first sentence
        ("raw_start", np.int64),  # its bytes: in the block, or beyond its end in the raw pool
        ("raw_stop", np.int64),
        ("source", np.int64),
        ("time_kind", np.int64),
        ("reason", np.int64),  # ACCEPTED or a reason's code
    ]
)

REJECT: Final = np.dtype(
    [
        ("line", np.int64),
        ("raw_start", np.int64),
        ("raw_stop", np.int64),
        ("at", np.int64),  # messages framed before it, which gives its place among their rejects
        ("reason", np.int64),
    ]
)


class Memory(NamedTuple):
    """What framing remembers from block to block; every array has a fixed size."""

    state: NDArray[np.void]  # STATE[1]
    name_bytes: NDArray[np.uint8]  # [NAMES_LIMIT, NAME_LIMIT_BYTES]
    name_lengths: NDArray[np.int64]
    name_table: NDArray[np.int32]  # hash table of name number + 1
    slots: NDArray[np.void]  # SLOT[BUCKETS * WAYS]
    slot_chars: NDArray[np.uint8]  # [BUCKETS * WAYS, MESSAGE_LIMIT_CHARS]
    slot_raw: NDArray[np.uint8]  # [BUCKETS * WAYS, RAW_LIMIT_BYTES]
    groups: NDArray[np.void]  # GROUP[GROUPS]


class Framed(NamedTuple):
    """What framing a block gives; `Memory.state` says how much of each array is filled."""

    messages: NDArray[np.void]  # MESSAGE[]
    rejects: NDArray[np.void]  # REJECT[]
    sixbit: NDArray[np.uint8]  # pool of six-bit characters, 0–63
    raw: NDArray[np.uint8]  # pool of the bytes of multi-part messages


CLOCK: Final = np.dtype(
    [
        ("base_t", np.int64),  # the newest believed time of a base station, NO_TIME before the first
        ("doubted_t", np.int64),  # one far off, which a second would confirm
        ("start_t", np.int64),  # for messages without any time; NO_TIME = refuse them
        ("oldest_t", np.int64),  # times outside these two are not believed
        ("newest_t", np.int64),
        ("n_positions", np.int64),  # these three: filled so far in the columns
        ("n_statics", np.int64),
        ("n_clocks", np.int64),
    ]
)


class PositionColumns(NamedTuple):
    """PROVENANCE_SCHEMA as arrays; `source` holds numbers of names, not yet codes."""

    mmsi: NDArray[np.uint32]
    t: NDArray[np.int64]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    sog: NDArray[np.float32]
    cog: NDArray[np.float32]
    heading: NDArray[np.float32]
    nav_status: NDArray[np.uint8]
    msg_type: NDArray[np.uint8]
    source: NDArray[np.uint16]
    line: NDArray[np.int64]
    utc_s: NDArray[np.uint8]


class StaticColumns(NamedTuple):
    """STATIC_SCHEMA as arrays; 0 and NaN are unknown. A text column is a pool of bytes and offsets into it."""

    mmsi: NDArray[np.uint32]
    t: NDArray[np.int64]
    imo: NDArray[np.uint32]
    ship_type: NDArray[np.uint8]
    length_m: NDArray[np.float32]
    beam_m: NDArray[np.float32]
    draught_m: NDArray[np.float32]
    call_sign: NDArray[np.uint8]
    call_sign_offsets: NDArray[np.int32]
    name: NDArray[np.uint8]
    name_offsets: NDArray[np.int32]
    destination: NDArray[np.uint8]
    destination_offsets: NDArray[np.int32]
    eta: NDArray[np.uint8]
    eta_offsets: NDArray[np.int32]


class ClockColumns(NamedTuple):
    """CLOCK_SCHEMA as arrays; `source` holds numbers of names, not yet codes."""

    source: NDArray[np.uint16]
    t: NDArray[np.int64]
    reported: NDArray[np.int64]
