"""What `validate` found as JUnit XML, for whoever shows test results: a case per file, which fails where the file is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from reconciler.redact import inert
from reconciler.render.rules import Remark
from reconciler.units import counted

# All that XML 1.0 does not allow and `inert` leaves: nothing of the plane is left out but these two of each.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(files: Iterable[str], remarks: Sequence[Remark]) -> str:
    """`files`: those in which nothing may have been found as well."""
    of_file: dict[str, list[Remark]] = {file: [] for file in files}
    for remark in remarks:
        of_file.setdefault(remark.file, []).append(remark)
    failures = sum(any(remark.level == "error" for remark in found) for found in of_file.values())
    counts = {"tests": str(len(of_file)), "failures": str(failures), "errors": "0"}
    suites = Element("testsuites", counts)
    suite = SubElement(suites, "testsuite", {"name": "reconciler validate", **counts})
    for file in sorted(of_file):
        _case(suite, file, of_file[file])
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _case(suite: Element, file: str, found: Sequence[Remark]) -> None:
    case = SubElement(suite, "testcase", {"classname": "reconciler.validate", "name": _text(file), "file": _text(file)})
    errors = [remark for remark in found if remark.level == "error"]
    warnings = [remark for remark in found if remark.level == "warning"]
    if errors:
        first = _line(errors[0])
        message = first if len(errors) == 1 else f"{counted(len(errors), 'error')}, the first: {first}"
        failure = SubElement(case, "failure", {"message": message, "type": _text(errors[0].rule)})
        failure.text = "\n".join(map(_line, errors))
    if warnings:
        SubElement(case, "system-out").text = "\n".join(f"warning: {_line(remark)}" for remark in warnings)


def _line(remark: Remark) -> str:
    place = ":".join(str(part) for part in (remark.file, remark.line, remark.column) if part)
    return _text(f"{place} {remark.message}")


def _text(text: str) -> str:
    return _NOT_XML.sub("", inert(text))
