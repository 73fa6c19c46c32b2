"""MQTT: Digitraffic's vessels, `vessels-v2/+/location` and `…/metadata`, from Fintraffic or a broker of one's own.

Source: https://www.digitraffic.fi/en/marine-traffic/ (MQTT over websockets at wss://meri.digitraffic.fi:443/mqtt)
"""

import logging
import ssl
from random import Random
from threading import Event
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import SecretStr

from streams.ingest.backoff import Backoff
from streams.ingest.inbox import Inbox
from streams.ingest.messages import LARGEST_MESSAGE, MessageDecoder, digitraffic_decoder

LOG = logging.getLogger(__name__)
TOPICS: Final = ("vessels-v2/+/location", "vessels-v2/+/metadata")
KEEPALIVE_S: Final = 30
SILENT_S: Final = 120.0  # chosen: as for TCP
GATHER_MESSAGES: Final = 500
LOOK_S: Final = 0.1
CONNECT_S: Final = 15.0


class MqttSource:
    """Each connection has a client of its own, served in the source's thread: a full inbox stops the reading."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        rng: Random,
        *,
        websockets: bool = False,
        path: str = "/mqtt",
        tls: bool = False,
        username: str | None = None,
        password: SecretStr | None = None,
        topics: tuple[str, ...] = TOPICS,
        silent_s: float = SILENT_S,
    ) -> None:
        self.name = name
        self._host, self._port = host, port
        self._rng = rng
        self._backoff = Backoff(rng)
        self._websockets, self._path, self._tls = websockets, path, tls
        self._username, self._password = username, password
        self._topics = topics
        self._silent_s = silent_s

    def run(self, inbox: Inbox, stop: Event) -> None:
        """Read until `stop`."""
        decoder = digitraffic_decoder(inbox.table, self.name)
        while not stop.is_set():
            try:
                _Connection(self, decoder, inbox, stop).serve()
            except (OSError, ValueError, paho.WebsocketConnectionError) as error:
                inbox.last_error = f"{type(error).__name__}: {error}"
            inbox.connected = False
            if not stop.is_set():
                wait_s = self._backoff.next_s()
                LOG.warning("%s: %s; again in %.1f s", self.name, inbox.last_error, wait_s)
                stop.wait(wait_s)


class _Connection:
    """One connection from its beginning to its end."""

    def __init__(self, source: MqttSource, decoder: MessageDecoder, inbox: Inbox, stop: Event) -> None:
        self._source = source
        self._decoder = decoder
        self._inbox = inbox
        self._stop = stop
        self._gathered: list[bytes] = []
        self._heard = False
        self._refused = ""
        transport: Any = "websockets" if source._websockets else "tcp"
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"maritime-watch-{source._rng.getrandbits(64):016x}",
            transport=transport,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S
        if source._websockets:
            client.ws_set_options(path=source._path)
        if source._tls:
            client.tls_set_context(ssl.create_default_context())
        if source._username is not None:
            client.username_pw_set(source._username, source._password.get_secret_value() if source._password else None)
        client.on_connect = self._on_connect
        client.on_message = self._on_message

    def serve(self) -> None:
        """Connect and read until the connection ends, falls silent, or all shall stop."""
        client, inbox, silent_s = self._client, self._inbox, 0.0
        client.connect(self._source._host, self._source._port, keepalive=KEEPALIVE_S)
        try:
            while not self._stop.is_set():
                outcome = client.loop(timeout=LOOK_S)
                if outcome != paho.MQTT_ERR_SUCCESS:
                    inbox.last_error = self._refused or paho.error_string(outcome)
                    return
                silent_s = 0.0 if self._heard else silent_s + LOOK_S
                self._heard = False
                if silent_s > self._source._silent_s:
                    inbox.last_error = f"nothing came for {self._source._silent_s:.0f} s"
                    return
                self._put()
        finally:
            self._put()
            client.disconnect()
            client.loop(timeout=0.01)

    def _on_connect(self, client: paho.Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._refused = f"the broker refuses: {reason}"
            return
        self._inbox.connected = True
        self._inbox.connects += 1
        client.subscribe([(topic, 0) for topic in self._source._topics])

    def _on_message(self, client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        self._heard = True
        payload = bytes(message.payload)
        if len(payload) > LARGEST_MESSAGE:
            self._inbox.refuse("oversize", payload, self._stop)
            return
        self._gathered.append(message.topic.encode() + b" " + payload.replace(b"\n", b" "))
        if len(self._gathered) >= GATHER_MESSAGES:
            self._put()

    def _put(self) -> None:
        if not self._gathered:
            return
        self._source._backoff.worked()
        gathered, self._gathered = self._gathered, []
        for chunk in self._decoder.decode(gathered, self._inbox.clock_ms()):
            self._inbox.put(chunk, self._stop)
