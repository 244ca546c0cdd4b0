"""
A validator of FHIR resources against the snapshots of official StructureDefinitions.

Checked are cardinality, types of elements that a snapshot does not know, fixed and pattern values,
slices by value, pattern, type, profile and exists, required bindings whose value set is in
the folder or stands here, targets of references as far as a Bundle holds them, and the invariants
that the profiles add themselves. Not checked: invariants of FHIR itself and extensible bindings.
"""

import json
import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

EMPTY = ("", [], {}, None)

STANDING_VALUE_SETS = {
    "http://hl7.org/fhir/ValueSet/slotstatus": {
        "busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error",
    },
    "http://hl7.org/fhir/ValueSet/contact-point-system": {
        "phone", "fax", "email", "pager", "url", "sms", "other",
    },
    "http://hl7.org/fhir/ValueSet/bundle-type": {
        "document", "message", "transaction", "transaction-response", "batch", "batch-response",
        "history", "searchset", "collection",
    },
    "http://hl7.org/fhir/ValueSet/search-entry-mode": {"match", "include", "outcome"},
    "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode": {
        "AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS", "VR",
    },
    "https://mos.esante.gouv.fr/NOS/JDV_J165-TypeCreneau-SAS/FHIR/JDV-J165-TypeCreneau-SAS": {
        "PUBLIC", "PRO", "SNP",
    },
}  # fmt: skip
"""Value sets that are not in the folder: FHIR R4's own, and JDV_J165 as the SAS guide lists it."""

PRIMITIVES = {
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "code": r"[^\s]+( [^\s]+)*",
    "uri": r"\S+",
    "url": r"\S+",
    "canonical": r"\S+",
}
"""As FHIR R4 says what these look like."""


class Profiles:
    """All profiles and value sets of one folder."""

    def __init__(self, folder: Path) -> None:
        self._definitions = {
            found["url"]: Profile(found, self)
            for file in sorted((folder / "profiles").glob("*.json"))
            for found in [json.loads(file.read_text(encoding="utf-8"))]
        }
        self._sets = dict(STANDING_VALUE_SETS)
        for file in sorted((folder / "valuesets").glob("ValueSet-*.json")):
            found = json.loads(file.read_text(encoding="utf-8"))
            parts = found["compose"]["include"]
            if all("concept" in part for part in parts):
                codes = {concept["code"] for part in parts for concept in part["concept"]}
                self._sets[found["url"]] = codes

    def __contains__(self, url: str) -> bool:
        return url in self._definitions

    def __getitem__(self, url: str) -> "Profile":
        return self._definitions[url]

    def codes(self, url: str) -> set[str] | None:
        return self._sets.get(url.partition("|")[0])

    def problems(self, resource: dict[str, Any], url: str | None = None) -> list[str]:
        """Lists what is wrong with a resource, by its own profiles or by one that is named."""
        wrong = list(_empties(resource, resource.get("resourceType", "?")))
        named = resource.get("meta", {}).get("profile", [])
        for one in [url] if url else named:
            wrong += self[one].problems(resource) if one in self else [f"unknown profile {one}"]
        if not url and not named:
            wrong.append(f"{resource.get('resourceType')}: no meta.profile")
        for part in resource.get("contained", []):
            wrong += self.problems(part)
        if resource.get("resourceType") == "Bundle":
            for entry in resource.get("entry", []):
                wrong += self.problems(entry["resource"])
            wrong += _dangling(resource)
        return wrong


class Profile:
    """One StructureDefinition: its snapshot as a tree of elements and slices."""

    def __init__(self, definition: dict[str, Any], all_: Profiles) -> None:
        self.url: str = definition["url"]
        self.type: str = definition["type"]
        self._elements = definition["snapshot"]["element"]
        self._all = all_
        self._own_rules = {
            constraint["key"]
            for element in definition["differential"]["element"]
            for constraint in element.get("constraint", [])
        }

    @cached_property
    def _by_id(self) -> dict[str, dict[str, Any]]:
        return {element["id"]: element for element in self._elements}

    @cache  # noqa: B019 (a profile lives as long as the tests)
    def _children(self, id_: str) -> tuple[dict[str, Any], ...]:
        depth = id_.count(".") + 1
        return tuple(
            element
            for element in self._elements
            if element["id"].startswith(f"{id_}.")
            and element["id"].count(".") == depth
            and ":" not in element["id"].rpartition(".")[2]
        )

    @cache  # noqa: B019 (as above)
    def _slices(self, id_: str) -> tuple[dict[str, Any], ...]:
        found = re.compile(re.escape(id_) + r":[^.:]+")
        return tuple(one for one in self._elements if found.fullmatch(one["id"]))

    def problems(self, resource: dict[str, Any]) -> list[str]:
        if resource.get("resourceType") != self.type:
            return [f"{resource.get('resourceType')} is no {self.type}"]
        return list(self._inside(resource, self.type, self.type))

    def _inside(self, value: Any, id_: str, where: str) -> Iterator[str]:
        children = self._children(id_)
        if not children or not isinstance(value, dict):
            return
        known = {"resourceType", "fhir_comments"}
        for child in children:
            name = child["id"].rpartition(".")[2]
            for key in _keys(name, child, value):
                known |= {key, f"_{key}"}
            yield from self._element(value, child, name, f"{where}.{name}")
        for key in value:
            if key not in known:
                yield f"{where}.{key}: no such element"

    def _element(
        self, parent: dict[str, Any], element: dict[str, Any], name: str, where: str
    ) -> Iterator[str]:
        found = [parent[key] for key in _keys(name, element, parent)]
        many = element.get("base", {}).get("max", element["max"]) != "1"
        values = [one for part in found for one in (part if isinstance(part, list) else [part])]
        if found and many != isinstance(found[0], list) and ":" not in element["id"]:
            yield f"{where}: a list where none is expected, or none where one is"
        yield from _counted(values, element, where)
        slices = self._slices(element["id"])
        taken: dict[str, list[Any]] = {one["id"]: [] for one in slices}
        for value in values:
            yield from self._value(value, element, where)
            mine = next((one for one in slices if self._belongs(value, element, one)), None)
            if mine is not None:
                taken[mine["id"]].append(value)
                yield from self._value(value, mine, f"{where}:{mine['sliceName']}")
            elif slices and element.get("slicing", {}).get("rules") == "closed":
                yield f"{where}: belongs to no slice"
        for one in slices:
            yield from _counted(taken[one["id"]], one, f"{where}:{one['sliceName']}")

    def _value(self, value: Any, element: dict[str, Any], where: str) -> Iterator[str]:
        for key, wanted in element.items():
            if key.startswith("fixed") and value != wanted:
                yield f"{where}: is not the fixed value"
            if key.startswith("pattern") and not matches(value, wanted):
                yield f"{where}: does not match the pattern"
        kinds = {kind["code"].rpartition("/")[2] for kind in element.get("type", [])}
        for kind in kinds & PRIMITIVES.keys() if len(kinds) == 1 else ():
            if not re.fullmatch(PRIMITIVES[kind], str(value)):
                yield f"{where}: is no {kind}"
        yield from self._bound(value, element, where)
        yield from self._ruled(value, element, where)
        yield from self._profiled(value, element, where)
        yield from self._inside(value, element["id"], where)

    def _bound(self, value: Any, element: dict[str, Any], where: str) -> Iterator[str]:
        binding = element.get("binding", {})
        codes = self._all.codes(binding.get("valueSet", ""))
        if binding.get("strength") != "required" or codes is None:
            return
        given = list(_codes(value))
        if given and not codes.intersection(given):
            yield f"{where}: {given} is not in {binding['valueSet']}"

    def _ruled(self, value: Any, element: dict[str, Any], where: str) -> Iterator[str]:
        for rule in element.get("constraint", []):
            if rule["key"] not in self._own_rules or rule["severity"] != "error":
                continue
            found = re.fullmatch(r"value\.matches\('(.+)'\)", rule["expression"])
            assert found, f"{self.url} has a rule of another kind: {rule['expression']}"
            if not re.search(found[1], str(value.get("value", ""))):
                yield f"{where}: {rule['key']}"

    def _profiled(self, value: Any, element: dict[str, Any], where: str) -> Iterator[str]:
        """Resources in a Bundle that a slice wants to have a profile."""
        if not isinstance(value, dict) or "resourceType" not in value:
            return
        wanted = [url for kind in element.get("type", []) for url in kind.get("profile", [])]
        named = [url for url in wanted if url in self._all]
        if named and not any(not self._all[url].problems(value) for url in named):
            yield f"{where}: does not conform to {named[0].rpartition('/')[2]}"

    def _belongs(self, value: Any, element: dict[str, Any], one: dict[str, Any]) -> bool:
        discriminators = element.get("slicing", {}).get("discriminator", [])
        return bool(discriminators) and all(
            self._discriminated(value, one, rule["type"], rule["path"]) for rule in discriminators
        )

    def _bound_by(self, value: Any, one: dict[str, Any]) -> bool:
        """The slices of a CPTS slot have no pattern of their own: system or binding tells them."""
        system = self._by_id.get(f"{one['id']}.coding.system", {})
        if "patternUri" in system:
            return system["patternUri"] in list(_reached(value, ["coding", "system"]))
        codes = self._all.codes(one.get("binding", {}).get("valueSet", "")) or set()
        return bool(codes.intersection(_codes(value)))

    def _discriminated(self, value: Any, one: dict[str, Any], kind: str, path: str) -> Any:
        if path == "$this" and kind == "type":
            # Of value[x]: the element's own types; another type would have another key.
            return bool(one.get("type"))
        if kind in {"type", "profile"}:
            resource = value.get("resource", {}) if path == "resource" else value
            types = self._by_id.get(f"{one['id']}.{path}", one).get("type", [])
            codes = {found["code"] for found in types}
            urls = {url for found in types for url in found.get("profile", [])}
            has = resource.get("meta", {}).get("profile", [])
            return resource.get("resourceType") in codes and (kind == "type" or urls & set(has))
        if path == "$this":
            return self._bound_by(value, one)
        if path == "url":
            wanted = {u for found in one.get("type", []) for u in found.get("profile", [])}
            return value.get("url") in wanted
        wanted_value = next(
            (
                given
                for key, given in self._by_id.get(f"{one['id']}.{path}", {}).items()
                if key.startswith(("fixed", "pattern"))
            ),
            None,
        )
        return wanted_value is not None and wanted_value in list(_reached(value, path.split(".")))


def matches(value: Any, pattern: Any) -> bool:
    """Tells whether a value holds all of a pattern, as FHIR means it."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            key in value and matches(value[key], part) for key, part in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(matches(one, part) for one in value) for part in pattern
        )
    return bool(value == pattern)


def _keys(name: str, element: dict[str, Any], parent: dict[str, Any]) -> list[str]:
    if not name.endswith("[x]"):
        return [name] if name in parent else []
    stem = name[:-3]
    return [
        key
        for kind in element.get("type", [])
        for key in [stem + kind["code"][:1].upper() + kind["code"][1:]]
        if key in parent
    ]


def _counted(values: list[Any], element: dict[str, Any], where: str) -> Iterator[str]:
    if len(values) < element["min"]:
        yield f"{where}: {len(values)} of at least {element['min']}"
    if element["max"] != "*" and len(values) > int(element["max"]):
        yield f"{where}: {len(values)} of at most {element['max']}"


def _codes(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if "coding" in value:
            for coding in value["coding"]:
                yield from _codes(coding)
        elif "code" in value:
            yield value["code"]


def _reached(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _reached(one, path)
    elif isinstance(value, dict) and path[0] in value:
        found = value[path[0]]
        for one in found if isinstance(found, list) else [found]:
            yield from _reached(one, path[1:])


def _empties(value: Any, where: str) -> Iterator[str]:
    if value in EMPTY:
        yield f"{where}: empty"
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _empties(part, f"{where}.{key}")
    elif isinstance(value, list):
        for part in value:
            yield from _empties(part, where)


def _dangling(bundle: dict[str, Any]) -> Iterator[str]:
    """References of a Bundle's resources that lead to nothing in it."""
    held = {
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for entry in bundle.get("entry", [])
    }
    for entry in bundle.get("entry", []):
        inside = {f"#{part['id']}" for part in entry["resource"].get("contained", [])}
        for reference in _references(entry["resource"]):
            if reference not in held | inside:
                yield f"{entry['resource']['resourceType']}: {reference} leads nowhere"


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)
