"""What a newcomer meets: help with examples that work, the manual, the schema, completion, and what init writes."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from headgate.catalogue import batch, batch_keys
from headgate.cli import app
from headgate.cli.commands import init
from headgate.cli.first import SCHEMA, First
from headgate.manifest.document import Document
from headgate.manifest.jsonschema import manifest_schema
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load

#: Values that satisfy every destination, by the end of the variable's name.
FITTING = {"S3_ACCESS_KEY": "A" * 20, "ACCESS_ID": "A" * 20, "S3_SECRET_KEY": "s" * 40, "SECRET_KEY": "s" * 40}


def examples(name):
    """The command lines of a command's help."""
    command = app.group.get_command(None, name)
    lines = command.epilog.partition("Examples:")[2].splitlines()
    assert any(line.strip() for line in lines), name
    for line in lines:
        line = re.sub(r'^eval "\$\((.*)\)"', r"\1", line.strip())
        for part in re.split(r"&&|\||>|\s#", line):
            words = shlex.split(part)
            if words[:1] == ["headgate"]:
                yield words[1:]


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_example_parses(name):
    lines = list(examples(name))
    assert any(words[0] == name for words in lines)
    for words in lines:
        with app.group.make_context("headgate", list(words)) as above:
            said, command, rest = app.group.resolve_command(above, [*above._protected_args, *above.args])
            with command.make_context(said, list(rest), parent=above):
                pass


def test_the_examples_of_the_front_page_parse():
    for words in re.findall(r"headgate (init demo|run demo\S+ --simulate)", app.EPILOG):
        name, *rest = words.split()
        with app.group.get_command(None, name).make_context(name, rest):
            pass


def said(*words):
    done = CliRunner().invoke(app.group, list(words))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("kind", ["", *GRAMMARS])
def test_the_manual_fits_a_terminal_and_a_pipe(kind):
    page = said("help", "manifest", *([kind] if kind else []))
    assert max(map(len, page.splitlines())) <= 80
    assert "\x1b" not in page
    assert "\x00" not in page
    if kind:
        assert GRAMMARS[kind].example.splitlines()[0] in page
        for name, field in GRAMMARS[kind].model.model_fields.items():
            assert f"\n    {field.alias or name}  (" in page
    else:
        assert all(f"\n    {one}\n" in page for one in GRAMMARS)


def test_headings_are_bold_on_a_terminal():
    done = CliRunner().invoke(app.group, ["help", "manifest"], color=True)
    assert "\x1b[1mKEYS\x1b[0m" in done.output


def test_help_explains_commands_too():
    assert said("help", "run").splitlines()[0] == said("run", "--help").splitlines()[0]
    assert "headgate help manifest" in said("help")


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["help", "rum"], "did you mean 'run'?"), (["help", "manifest", "watsh"], "did you mean 'watch'?")],
)
def test_help_about_nothing_names_the_nearest(words, hint, capsys):
    assert app.main(words) == 2
    assert f"hint: {hint}" in capsys.readouterr().err


def test_the_schema_is_printed_whole():
    assert json.loads(said("schema")) == manifest_schema()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell):
    script = said("completion", shell)
    assert "_HEADGATE_COMPLETE" in script
    assert "headgate" in script


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("headgate va", "validate"),
        ("headgate catalog amaz", "amazon_s3"),
        ("headgate help manifest audience-", "audience-export"),
        ("headgate completion f", "fish"),
        ("headgate init --destination google", "google_cloud_storage"),
    ],
)
def test_the_shell_completes(line, found, monkeypatch, capsys):
    monkeypatch.setenv("_HEADGATE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    assert app.main([]) == 0
    assert f"plain,{found}" in capsys.readouterr().out.splitlines()


def test_runs_are_completed_and_trouble_is_silent(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "state.db").write_text("no database")
    monkeypatch.setenv("HEADGATE_STATE", "state.db")
    monkeypatch.setenv("_HEADGATE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "headgate status n")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert app.main([]) == 0
    assert capsys.readouterr().out.strip() == ""


def fitting(variable):
    return next((value for end, value in FITTING.items() if variable.endswith(end)), "ZmFrZQ==")


@pytest.mark.parametrize("key", batch_keys())
def test_what_init_writes_validates_for_every_destination(key, tmp_path):
    first = First("1.0", "prod", batch(key))
    path = tmp_path / "manifest.yaml"
    path.write_text(first.manifest())
    (tmp_path / "regions.csv").write_text(first.rows())
    manifest = load(path, grammars=GRAMMARS, env={one: fitting(one) for one in first.variables()})
    assert (manifest.name, manifest.sandbox, len(manifest.items)) == ("1.0", "prod", 4)
    assert manifest.items[0].connection.destination == key
    assert Draft202012Validator(manifest_schema()).is_valid(Document.read(path).data)
    if not batch(key).migrated_to:
        assert manifest.warnings == ()


def test_init_asks_nothing_without_a_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert app.main(["init", "demo"]) == 0
    assert (tmp_path / "demo" / "manifest.yaml").read_text().startswith(f"# yaml-language-server: $schema=./{SCHEMA}\n")
    assert json.loads((tmp_path / "demo" / SCHEMA).read_text()) == manifest_schema()
    assert app.main(["validate", "demo/manifest.yaml"]) == 0
    capsys.readouterr()


def test_init_points_to_no_schema_that_it_does_not_write(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert app.main(["init", "--no-schema"]) == 0
    assert "$schema" not in (tmp_path / "manifest.yaml").read_text()
    assert not (tmp_path / ".headgate").exists()
    capsys.readouterr()


def test_init_asks_a_person_for_what_no_flag_says(tmp_path, monkeypatch, capsys):
    asked = []

    def prompt(question, *, default, err, value_proc):
        asked.append(question.split()[0])
        return value_proc({"Name": "spring", "Destination": "sftp"}.get(question.split()[0], default))

    monkeypatch.setattr(init.click, "prompt", prompt)
    monkeypatch.setattr(init, "sys", type("Terminal", (), {"stdin": Tty, "stderr": Tty}))
    monkeypatch.chdir(tmp_path)
    assert app.main(["init", "--sandbox", "stage"]) == 0
    assert asked == ["Name", "Destination"]
    text = (tmp_path / "manifest.yaml").read_text()
    assert "\nname: spring\nsandbox: stage " in text
    assert "destination: sftp" in text
    assert "export SFTP_PASSWORD=…" in capsys.readouterr().err


class Tty:
    @staticmethod
    def isatty():
        return True


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [("--name", "my exports", "letters, digits"), ("--destination", "amazon_s4", "did you mean 'amazon_s3'?")],
)
def test_init_takes_no_nonsense(flag, value, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert app.main(["init", flag, value]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
