"""Rate limit: how many requests a partner may make, as a bucket of tokens that fills at a steady pace."""


class RateLimit:
    """`burst` requests at once, and `per_minute` in the long run; each name has a bucket of its own."""

    def __init__(self, per_minute: float, burst: int) -> None:
        """Both above zero."""
        self._per_s, self._burst = per_minute / 60.0, float(burst)
        self._buckets: dict[str, tuple[float, float]] = {}  # name → what is in it, and when

    def take(self, name: str, now_s: float) -> float:
        """Take one; gives 0, or the seconds to wait when the bucket is empty. `now_s` is of a clock without steps."""
        left, then_s = self._buckets.get(name, (self._burst, now_s))
        left = min(self._burst, left + (now_s - then_s) * self._per_s)
        taken = left >= 1.0
        self._buckets[name] = (left - 1.0 if taken else left, now_s)
        return 0.0 if taken else (1.0 - left) / self._per_s
