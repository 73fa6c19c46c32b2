"""What a report counts and leaves out, again: slow, by going through all alerts for every number."""


def month(told):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(told.start_ms / 1000, UTC).strftime("%Y-%m")


def corner(place, size_deg):
    """The corner that is nearest to the south-west, by trying all."""
    lat, lon = place
    south = max(-90 + k * size_deg for k in range(round(180 / size_deg)) if -90 + k * size_deg <= lat)
    west = max(-180 + k * size_deg for k in range(round(360 / size_deg)) if -180 + k * size_deg <= lon)
    return south, west


def shown_count(told, kind, period, cell, size_deg, least, least_vessels):
    """The count of one type in one cell and month; None where it is left out."""
    there = [t for t in told if t.type == kind and month(t) == period and corner(t.place, size_deg) == cell]
    vessels = []
    for each in there:
        if each.vessel not in vessels:
            vessels.append(each.vessel)
    if len(there) < least or len(vessels) < least_vessels:
        return None
    return len(there) or None


def counts(told, periods, size_deg, least, least_vessels, inside):
    """All counts that are shown: (type, period, cell) → count."""
    made = {}
    for kind in {t.type for t in told}:
        for period in periods:
            for cell in {corner(t.place, size_deg) for t in told}:
                if not inside(cell[0] + size_deg / 2, cell[1] + size_deg / 2):
                    continue
                count = shown_count(told, kind, period, cell, size_deg, least, least_vessels)
                if count is not None:
                    made[kind, period, cell] = count
    return made
