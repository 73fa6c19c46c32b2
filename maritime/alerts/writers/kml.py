"""Alerts as KML 2.2 (OGC 07-147r2) for a globe or a chart plotter."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.sax.saxutils import escape

from maritime.alerts.alert import Alert
from maritime.alerts.writers.csv_table import reason_text
from maritime.alerts.writers.geojson import point

SEVERITY_COLOUR: Final = {  # KML writes aabbggrr
    "minor": "ff4fb6e8",
    "moderate": "ff2f8de8",
    "severe": "ff3b4fd8",
    "extreme": "ff7a1fa0",
}
NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 §2.2


def write_kml(alerts: Iterable[Alert], path: Path) -> None:
    """One placemark per alert, coloured by severity, with its time span, reasons and geometry."""
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n')
        file.write("<name>Alerts</name>\n")
        for severity, colour in SEVERITY_COLOUR.items():
            file.write(
                f'<Style id="{escape(severity)}"><IconStyle><color>{colour}</color></IconStyle><LineStyle>'
                f"<color>{colour}</color><width>2</width></LineStyle><PolyStyle><color>40{colour[2:]}</color>"
                "</PolyStyle></Style>\n"
            )
        for alert in alerts:
            file.write(tostring(_placemark(alert), encoding="unicode") + "\n")
        file.write("</Document></kml>\n")


def _placemark(alert: Alert) -> Element:
    record = alert.to_dict()
    placemark = Element("Placemark", id=f"alert-{alert.alert_id}")
    _text(placemark, "name", f"{alert.type.replace('_', ' ')} {alert.hull}")
    span = SubElement(placemark, "TimeSpan")
    _text(span, "begin", record["started_at"])
    if record["ended_at"]:
        _text(span, "end", record["ended_at"])
    _text(placemark, "styleUrl", f"#{alert.severity}")
    data = SubElement(placemark, "ExtendedData")
    for name in ("alert_id", "revision", "type", "state", "mmsi", "raised_at", "severity", "confidence", "score"):
        _text(SubElement(data, "Data", name=name), "value", str(record[name]))
    for reason in record["reasons"]:
        _text(SubElement(data, "Data", name=f"reason {reason['term']}"), "value", reason_text(reason))
    shapes = [shape for shape in (point(alert), record["geometry"]) if shape]
    if shapes:
        placemark.append(_multi([_shape(shape) for shape in shapes]))
    return placemark


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = NOT_XML.sub("\ufffd", text)


def _shape(geometry: dict[str, Any]) -> Element:
    """A GeoJSON geometry as a KML one."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        return _multi([_shape(part) for part in geometry["geometries"]])
    coordinates = geometry["coordinates"]
    if kind.startswith("Multi"):
        single = kind.removeprefix("Multi")
        return _multi([_shape({"type": single, "coordinates": part}) for part in coordinates])
    element = Element(kind)
    if kind == "Polygon":
        for ring, boundary in enumerate(coordinates):
            edge = SubElement(element, "innerBoundaryIs" if ring else "outerBoundaryIs")
            _text(SubElement(edge, "LinearRing"), "coordinates", _coordinates(boundary))
        return element
    _text(element, "coordinates", _coordinates([coordinates] if kind == "Point" else coordinates))
    return element


def _multi(parts: list[Element]) -> Element:
    if len(parts) == 1:
        return parts[0]
    element = Element("MultiGeometry")
    element.extend(parts)
    return element


def _coordinates(positions: list[Any]) -> str:
    return " ".join(f"{lon:.6f},{lat:.6f}" for lon, lat, *_ in positions)
