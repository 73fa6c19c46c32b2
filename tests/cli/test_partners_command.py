"""`maritime partners` on a broker with access control: what it prints, writes and keeps to itself."""

import re
import stat

import pytest

from tests.cli.running import PROJECT, maritime

pytestmark = pytest.mark.broker

EXAMPLE = PROJECT / "configs" / "sharing" / "national_centre.yaml"
NAMES = ("border-agency", "fisheries-agency", "fusion-centre", "rescue-centre")
ALL_BACK = [word for name in NAMES for word in ("--readmit", name)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, as_admin):
    """A folder with the example policy, in force for all time, and the passwords of all partners."""
    folder = tmp_path_factory.mktemp("partners")
    (folder / "policy.yaml").write_text(re.sub(r"until: \d{4}-", "until: 2999-", EXAMPLE.read_text()))
    let_in = ["partners", "apply", "policy.yaml", "--secrets", "secrets", *ALL_BACK]
    assert maritime(*let_in, cwd=folder, env=as_admin).code == 0
    for name in NAMES:  # those who were in before
        if not (folder / "secrets" / f"partner.{name}.password").exists():
            assert maritime("partners", "rotate", name, "--secrets", "secrets", cwd=folder, env=as_admin).code == 0
    yield folder
    assert maritime(*let_in, cwd=folder, env=as_admin).code == 0


@pytest.fixture
def partners(folder, as_admin):
    """Run the command; all partners are in."""

    def run(*words, **env):
        return maritime("partners", *words, cwd=folder, env=as_admin | env)

    ran = run("apply", "policy.yaml", "--secrets", "secrets", *ALL_BACK)
    assert ran.code == 0, ran.err
    return run


def password_of(folder, name):
    return (folder / "secrets" / f"partner.{name}.password").read_text().strip()


def may_log_in(partners, name, password):
    """A partner may not list partners, so the command always fails; by a refusal once it is in."""
    env = {"MARITIME_KAFKA__USERNAME": f"partner.{name}", "MARITIME_KAFKA_PASSWORD": password}
    ran = partners("list", "policy.yaml", MARITIME_KAFKA__REQUEST_TIMEOUT_MS="1500", **env)
    assert ran.code == 1
    assert "check the name and the password" in ran.err or "AuthorizationFailed" in ran.err, ran.err
    return "AuthorizationFailed" in ran.err


def test_passwords_are_in_files_of_their_owner_alone_and_nowhere_else(partners, folder):
    before = password_of(folder, "fusion-centre")
    said = [partners("revoke", "fusion-centre")]
    said.append(partners("apply", "policy.yaml", "--secrets", "secrets", "--readmit", "fusion-centre"))
    assert "password of partner.fusion-centre: secrets/partner.fusion-centre.password\n" in said[-1].out
    assert password_of(folder, "fusion-centre") != before
    said.append(partners("rotate", "rescue-centre", "--secrets", "secrets", "--json"))
    said.append(partners("list", "policy.yaml"))
    assert [ran.code for ran in said] == [0] * 4
    files = sorted((folder / "secrets").iterdir())
    assert [file.name for file in files] == [f"partner.{name}.password" for name in NAMES]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    passwords = {password_of(folder, name) for name in NAMES}
    assert len(passwords) == len(NAMES)
    assert all(len(password) >= 43 for password in passwords)  # 32 random bytes
    shown = "".join(ran.out + ran.err for ran in said)
    assert not [password for password in {before, *passwords} if password in shown]


def test_the_plan_changes_nothing(partners):
    planned = partners("apply", "policy.yaml", "--plan", "--on", "3000-01-01", "--json").json()
    assert planned["done"] is False
    assert "- user partner.rescue-centre (SCRAM-SHA-512): its agreement ended on 2999-12-31" in planned["steps"]
    assert planned["open_connections"].startswith("open connections must show the password again within")
    shown = partners("list", "policy.yaml")
    assert shown.code == 0
    assert partners("apply", "policy.yaml").out == "all is as the policy says\n"


def test_a_rotated_password_counts_and_the_old_one_does_not(partners, folder):
    old = password_of(folder, "rescue-centre")
    assert may_log_in(partners, "rescue-centre", old)
    ran = partners("rotate", "rescue-centre", "--secrets", "secrets")
    assert ran.code == 0, ran.err
    assert "the old one opens no connection any more; open connections must show" in ran.out
    assert not may_log_in(partners, "rescue-centre", old)
    assert may_log_in(partners, "rescue-centre", password_of(folder, "rescue-centre"))


def test_list_tells_what_is_not_as_it_should_be(partners, folder):
    assert partners("revoke", "fusion-centre").code == 0
    shown = {each["name"]: each for each in partners("list", "policy.yaml", "--json").json()["partners"]}
    assert shown["fusion-centre"]["standing"] == "revoked"
    assert shown["rescue-centre"]["agreement"]["until"] == "2999-12-31"
    assert "alerts.rcc" in {rule["name"] for rule in shown["rescue-centre"]["permissions"]}
    text = (folder / "policy.yaml").read_text()
    (folder / "ended.yaml").write_text(text.replace("since: 2020-01-01, until: 2999", "since: 2020-01-01, until: 2025"))
    ran = partners("list", "ended.yaml")
    assert ran.code == 1
    assert "- permission partner.rescue-centre: READ topic alerts.rcc: not in the policy" in ran.out


def test_what_does_not_fit_is_told_before_anything_is_done(partners):
    assert partners("revoke", "fusion-centre").code == 0
    ran = partners("apply", "policy.yaml", "--readmit", "fusion-centre")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "--secrets is missing: partner.fusion-centre" in ran.err
    shown = {each["name"]: each for each in partners("list", "policy.yaml", "--json").json()["partners"]}
    assert shown["fusion-centre"]["standing"] == "revoked"
    ran = partners("apply", "policy.yaml", "--on", "2027-01-01")
    assert (ran.code, "--on is for --plan" in ran.err) == (2, True)
    ran = partners("revoke", "fusion-center")
    assert (ran.code, "'fusion-center' is no partner on the log; there are: border-agency" in ran.err) == (2, True)
    ran = partners("rotate", "fusion-centre", "--secrets", "secrets")
    assert (ran.code, "'fusion-centre' has no user on the log" in ran.err) == (2, True)


def test_a_log_without_access_control_takes_no_partners(own_broker, tmp_path):
    env = {"MARITIME_KAFKA__BOOTSTRAP": own_broker.bootstrap}
    ran = maritime("partners", "apply", EXAMPLE, "--secrets", "secrets", cwd=tmp_path, env=env)
    assert ran.code == 1
    assert ran.err.startswith("maritime: the log has no authorizer, so whoever reaches it may read all")
    assert not (tmp_path / "secrets").exists()
