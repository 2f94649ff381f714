"""README keeps its word: its commands exist, its settings are the settings, its example is a manifest that loads."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from headgate.cli.app import COMMANDS, group
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.settings import ENVIRONMENT

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def command(name):
    """The word-for-word command after its mark, as .ci/run takes it."""
    found = re.search(rf"^<!-- command: {name} -->\n```sh\n(.*?)\n```", README, re.MULTILINE | re.DOTALL)
    assert found, f"README lost its {name} command"
    return found[1]


@pytest.mark.parametrize("name", ["run", "test"])
def test_the_two_commands_stand_alone(name):
    words = shlex.split(command(name))
    assert "\n" not in command(name)
    assert words[:3] == ["python3", "-m", "venv"], "they set everything up themselves"
    for word in words:
        if word.startswith("configs/"):
            assert (ROOT / word).is_file()


def test_the_table_of_commands_is_the_command_line():
    rows = README.partition("<!-- table: commands -->")[2].partition("\n\n")[0]
    assert set(re.findall(r"`headgate (\w+)", rows)) == set(COMMANDS)


def test_the_load_test_is_one_that_can_be():
    words = shlex.split(command("loadtest").replace("\\\n", " "))
    assert (ROOT / words[2]).is_file()
    context = group.get_command(None, "loadtest").make_context("loadtest", words[2:])
    assert len(context.params["stages"]) == 2
    assert len(context.params["thresholds"]) == 5


def test_every_setting_of_the_environment_is_named():
    assert set(re.findall(r"`(HEADGATE_\w+)`", README)) == {*ENVIRONMENT.values(), "HEADGATE_PROFILE"}


def test_the_example_manifest_loads(tmp_path):
    block = next(text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if text.startswith("headgate: 1"))
    audience = "9f7d37fd-7039-4454-94ef-2b0cd6c3206a"
    (tmp_path / "m.yaml").write_text(block)
    (tmp_path / "regions.csv").write_text(f"region,audience\nemea,{audience}\n")
    (tmp_path / "pairs.csv").write_text(f"destinationId,segmentId\nLoyalty emea,{audience}\n")
    env = {"S3_KEY": "AKIAABCDEFGHIJKLMNOP", "S3_SECRET": "a" * 40}
    manifest = load(tmp_path / "m.yaml", grammars=GRAMMARS, env=env)
    assert [item.name for item in manifest.items] == ["Loyalty emea", "now"]


def test_every_promise_names_a_test_that_is_there():
    rows = README.partition("<!-- table: promises -->")[2].partition("\n\n")[0].splitlines()[3:]
    assert rows
    for row in rows:
        (name,) = re.findall(r"`([\w/]+\.py)` \|$", row)
        assert "def test_" in (ROOT / "tests" / name).read_text(), row


def test_python_examples_are_python():
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        compile(block, "README.md", "exec", flags=0x2000)  # top-level await


def test_the_map_names_every_room():
    rooms = {path.name for path in (ROOT / "src/headgate").iterdir() if path.is_dir() and path.name != "__pycache__"}
    table = README.partition("## Map")[2].partition("\n## ")[0]
    assert rooms <= set(re.findall(r"`(\w+)`", table))


def test_every_example_manifest_is_yaml_of_this_grammar():
    for path in (ROOT / "configs/manifests").glob("*.yaml"):
        assert yaml.safe_load(path.read_text())["headgate"] == 1


def test_pictures_are_there_and_of_a_reasonable_size():
    pictures = re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", README)
    assert len(pictures) == README.count("![") == 3, "each says what is to be seen"
    for name in pictures:
        data = (ROOT / name).read_bytes()
        assert 1_000 < len(data) < 150_000, name
        assert data.startswith(b"\x89PNG" if name.endswith(".png") else b"<svg"), name
        if name.endswith(".svg"):
            assert b"http" not in data.replace(b"http://www.w3.org/2000/svg", b""), "a picture loads nothing"
    assert re.search(r"python (\.readme/\w+\.py)", README)[1] == ".readme/pictures.py"
    assert (ROOT / ".readme/pictures.py").is_file()
