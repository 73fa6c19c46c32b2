import pytest
from pydantic import BaseModel, ConfigDict, Field

from maritime.config import config_sha256, load_settings
from maritime.errors import ConfigurationError


class Loitering(BaseModel):
    model_config = ConfigDict(extra="forbid")
    enter_kn: float = Field(2.0, gt=0)
    leave_kn: float = 3.0


class Zone(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = ""


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    loitering: Loitering = Loitering()
    zones: list[Zone] | None = None


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return path

    return write


def test_defaults_then_file_then_environment(written):
    path = written("loitering: {enter_kn: 1.5, leave_kn: 2.5}")
    assert load_settings(Settings) == Settings()
    assert load_settings(Settings, path).loitering.enter_kn == 1.5
    over = load_settings(Settings, path, {"MARITIME_LOITERING__LEAVE_KN": "9", "MARITIME_SHARED_DIR": "x", "HOME": "y"})
    assert (over.loitering.enter_kn, over.loitering.leave_kn) == (1.5, 9.0)


def test_an_empty_file_is_all_defaults(written):
    assert load_settings(Settings, written("# nothing\n")) == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "loitering: {enter_knots: 1}",
            r"mine\.yaml: 'loitering\.enter_knots' is not a setting; did you mean 'enter_kn'\?",
        ),
        ("loitering: {xyz: 1}", r"'loitering\.xyz' is not a setting; the keys there are enter_kn, leave_kn"),
        (
            "loitring: {}",
            r"'loitring' is not a setting; did you mean 'loitering'\? the keys there are loitering, zones",
        ),
        ("zones: [{name: a, colour: b}]", r"'zones\.0\.colour' is not a setting; .*the keys there are name"),
        ("loitering: {enter_kn: fast}", r"mine\.yaml: 'loitering\.enter_kn' is 'fast'; input should be a valid number"),
        ("loitering: {enter_kn: -1}", r"'loitering\.enter_kn' is -1; input should be greater than 0"),
        ("- a\n- b", r"mine\.yaml holds a list"),
        ("a: [", r"mine\.yaml is not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_the_file_and_the_key(written, text, said):
    with pytest.raises(ConfigurationError, match=said):
        load_settings(Settings, written(text))


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.yaml cannot be read \(No such file"):
        load_settings(Settings, tmp_path / "none.yaml")


def test_a_misspelt_variable_is_said():
    with pytest.raises(ConfigurationError, match=r"the environment: 'loitering\.leave' is not a setting"):
        load_settings(Settings, environment={"MARITIME_LOITERING__LEAVE": "9"})


def test_equal_settings_have_the_same_digest():
    assert config_sha256(Settings()) == config_sha256(Settings(loitering=Loitering(enter_kn=2)))
    assert config_sha256(Settings()) != config_sha256(Settings(loitering=Loitering(enter_kn=2.1)))
