"""`maritime serve`: tokens are shown once, and nothing is served without knowing to whom, nor in the open."""

import json
import os
import socket
import subprocess
import sys

import pytest
import requests
import trustme
import yaml

from tests.cli.running import maritime
from tests.console.house import ALERT, House


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    made.policy["partners"]["now"]["agreement"]["until"] = "2200-01-01"
    made.policy["marks"][0]["retain_days"] = 36_000
    made.write_policy()
    made.publisher = made.a_publisher(made.ledger)
    made.take(ALERT)
    made.close()
    return made


FILES = ("--ledger", "ledger.db", "--policy", "policy.yaml", "--jwks", "jwks.json")


def serve(house, *options, **more):
    return maritime("serve", "partners", *FILES, *options, cwd=house.folder, timeout_s=20, **more)


def test_a_partner_reads_with_the_token_it_was_given(house):
    made = maritime("serve", "token", "now", "--tokens", "new", "--json", cwd=house.folder).json()
    maritime("serve", "token", "now", "--tokens", "new", cwd=house.folder)
    assert made["token"] not in (house.folder / "new").read_text()
    assert len((house.folder / "new").read_text().splitlines()) == 2
    command = [sys.executable, "-m", "maritime.cli", "serve", "partners", *FILES, "--tokens", "new", "--port", "0"]
    with subprocess.Popen(
        [*command, "--stop-after-s", "20"], cwd=house.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        answer = requests.get(f"{url}/events", headers={"Authorization": f"Bearer {made['token']}"}, timeout=5)
        assert answer.json()["data"]["kind"] == "alert"
        assert requests.get(f"{url}/events", timeout=5).status_code == 401
        server.terminate()
        _, said = server.communicate(timeout=10)
    assert server.returncode == 0
    assert made["token"] not in said


def test_what_taxii_needs_is_kept_in_a_folder_of_its_own(house):
    made = maritime("serve", "token", "now", "--tokens", "new", "--json", cwd=house.folder).json()
    options = ["--tokens", "new", "--port", "0", "--taxii-index", "made/index", "--stop-after-s", "20"]
    command = [sys.executable, "-m", "maritime.cli", "serve", "partners", *FILES, *options]
    with subprocess.Popen(command, cwd=house.folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        path = f"{url}/taxii2/alerts/collections/actual/objects/?match[type]=incident"
        (incident,) = requests.get(path, auth=("now", made["token"]), timeout=5).json()["objects"]
        server.terminate()
    assert incident["id"].startswith("incident--")
    (file,) = (house.folder / "made" / "index").glob("*.db")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    refused = serve(house, "--tokens", "new", "--taxii-index", "new/index")
    assert (refused.code, "Traceback" in refused.err) == (1, False)
    assert "new/index cannot be made" in refused.err


def test_it_stops_when_it_was_told_to_and_says_where_it_was(house):
    ran = serve(house, "--tokens", "tokens", "--port", "0", "--stop-after-s", "0.2", "--json")
    assert ran.code == 0, ran.err
    assert ran.json()["partners"] == 3
    assert ran.json()["url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nobody could prove who it is"),
        (("--tokens", "tokens", "--host", "0.0.0.0"), "0.0.0.0 needs TLS"),
        (("--tokens", "tokens", "--host", "192.0.2.1"), "192.0.2.1 needs TLS"),
        (("--client-ca", "jwks.json"), "127.0.0.1 needs TLS"),
        (("--tokens", "tokens", "--tls-cert", "jwks.json"), "go together"),
        (("--tokens", "tokens", "--tls-cert", "jwks.json", "--tls-key", "jwks.json"), "TLS cannot be set up"),
        (("--tokens", "missing"), "missing cannot be read"),
        (("--tokens", "jwks.json"), "jwks.json:1: "),
        (("--tokens", "tokens", "--heads", "missing"), "missing cannot be read"),
        (("--tokens", "tokens", "--webhooks", "hooks.yaml"), "'stranger' is no partner"),
    ],
)
def test_what_is_not_safe_does_not_start(house, options, said):
    (house.folder / "secret").write_text("whsec_" + "A" * 44)
    (house.folder / "secret").chmod(0o600)
    hook = {"url": "https://partner.example/", "secret_file": "secret"}
    (house.folder / "hooks.yaml").write_text(yaml.safe_dump({"state": "told", "hooks": {"stranger": hook}}))
    ran = serve(house, *options, "--port", "0", "--stop-after-s", "0.2")
    assert (ran.code, ran.out) == (3, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_port_that_is_taken_is_said(house):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = serve(house, "--tokens", "tokens", "--port", taken.getsockname()[1], "--stop-after-s", "0.2")
    assert (ran.code, ran.out) == (3, "")
    assert "cannot be had" in ran.err
    assert "Traceback" not in ran.err


def test_without_a_ledger_it_does_not_start_and_makes_none(house):
    os.remove(house.folder / "ledger.db")
    ran = serve(house, "--tokens", "tokens", "--port", "0", "--stop-after-s", "0.2")
    assert ran.code == 1
    assert not (house.folder / "ledger.db").exists()


def test_beyond_this_machine_it_serves_with_tls(house):
    ca = trustme.CA()
    server = ca.issue_cert("127.0.0.1")
    server.private_key_and_cert_chain_pem.write_to_path(house.folder / "server.pem")
    ca.cert_pem.write_to_path(house.folder / "ca.pem")
    tls = ("--tls-cert", "server.pem", "--tls-key", "server.pem", "--client-ca", "ca.pem")
    ran = serve(house, *tls, "--host", "0.0.0.0", "--port", "0", "--stop-after-s", "0.2", "--json")
    assert ran.code == 0, ran.err
    assert ran.json()["url"].startswith("https://0.0.0.0:")


def test_a_wrong_name_gets_no_token(tmp_path):
    ran = maritime("serve", "token", "No Name", "--tokens", "new", "--json", cwd=tmp_path)
    assert ran.code == 2
    assert "no partner's name" in json.loads(ran.out)["error"]
    assert not (tmp_path / "new").exists()
