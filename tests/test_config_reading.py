"""YAML -> trees with places: nothing is lost, nothing changes its type by its look, and nothing but a message comes of rubbish."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.document import Document
from reconciler.config.reading import MAX_BYTES, Reader
from reconciler.errors import Problem


def read(content: str | bytes) -> tuple[list[Document], list[Problem]]:
    problems: list[Problem] = []
    reader = Reader(problems)
    documents = reader.documents(content.encode() if isinstance(content, str) else content, "a.yaml")
    assert reader.complete or problems
    return documents, problems


def tree(content: str) -> dict[str, Any]:
    documents, problems = read(content)
    assert not problems
    assert len(documents) == 1
    return documents[0].tree


def said(content: str | bytes) -> list[str]:
    return [str(problem) for problem in read(content)[1]]


# ---- what is written is what is read -------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8"))
keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1).filter(lambda key: key != "<<")
values = st.recursive(texts, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=8)


@given(st.dictionaries(keys, values, min_size=1), st.booleans())
def test_a_document_of_texts_is_itself(document: dict[str, Any], flow: bool) -> None:
    dumped = yaml.dump(document, Dumper=_Texts, default_flow_style=flow, sort_keys=False, width=10**6)
    assert tree(dumped) == document


class _Texts(yaml.SafeDumper):
    """Dumps every text in quotes where the look would give it a type, as people do; no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@given(texts)
def test_any_text_in_quotes_survives(text: str) -> None:
    quoted = yaml.dump({"a": text}, default_style='"', width=10**6)
    assert tree(quoted) == {"a": text}


@pytest.mark.parametrize(
    "text",
    [
        "0123456701",
        "+48123456789",
        "10:30",
        "09:00",
        "2026-06-01",
        "1e3",
        "0x1F",
        "0o17",
        "~",
        "null",
        "yes",
        "No",
        "1_000",
        ".5",
        "true",
        "5",
    ],
)
def test_a_scalar_that_the_schema_does_not_know_stays_text(text: str) -> None:
    assert tree(f"a: {text}\n") == {"a": text}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        ('"5"', "5"),
        ("'5'", "5"),
        ("05", "05"),
        ("5.0", "5.0"),
        ("1e3", "1e3"),
        ("+5", "+5"),
        ("9" * 15, int("9" * 15)),
        ("9" * 16, "9" * 16),
        ("!!str 5", "5"),
        ('!!int "5"', 5),
        ("", None),
        ('""', ""),
    ],
)
def test_a_plain_scalar_is_a_number_only_where_the_schema_wants_one(written: str, meant: object) -> None:
    read = tree(f"kind: Campaign\nspec: {{tel4vn: {{concurrent_call: {written}, description: x}}}}\n")
    assert read["spec"]["tel4vn"] == {"concurrent_call": meant, "description": "x"}


@pytest.mark.parametrize(
    ("written", "meant"), [("true", True), ("False", False), ("yes", "yes"), ('"true"', "true"), ("", None)]
)
def test_a_plain_scalar_is_a_truth_only_where_the_schema_wants_one(written: str, meant: object) -> None:
    assert tree(f"kind: Connection\nspec: {{planOnly: {written}}}\n")["spec"] == {"planOnly": meant}


def test_a_name_or_an_id_may_be_either() -> None:
    content = "kind: Campaign\nspec: {{thulium: {{initialStatus: {}}}}}\n"
    assert [tree(content.format(text))["spec"]["thulium"]["initialStatus"] for text in ("5", '"5"', "To call")] == [
        5,
        "5",
        "To call",
    ]


def test_text_of_any_alphabet_needs_no_quotes() -> None:
    assert tree("tên: Nhắc gia hạn\nОпрос: Однократно\nz: zażółć\n") == {
        "tên": "Nhắc gia hạn",
        "Опрос": "Однократно",
        "z": "zażółć",
    }


def test_numbers_in_lists_are_of_mappings() -> None:
    content = "kind: Project\nspec: {guards: {waivers: [{reason: 5}, x, [y]], creates: {max: 3}}}\n"
    assert tree(content)["spec"]["guards"] == {"waivers": [{"reason": "5"}, "x", ["y"]], "creates": {"max": 3}}


def test_several_documents_and_empty_ones() -> None:
    documents, problems = read("# nothing\n---\na: 1\n---\n---\nb: 2\n...\n")
    assert not problems
    assert [(document.tree, document.source.line) for document in documents] == [({"a": "1"}, 3), ({"b": "2"}, 6)]
    assert read("") == read("# only a word\n") == ([], [])


def test_aliases_repeat_what_they_name() -> None:
    assert tree("a: &x {b: [1, 2]}\nc: *x\nd: *x\n") == {key: {"b": ["1", "2"]} for key in "acd"}


def test_a_byte_order_mark_and_carriage_returns_are_no_content() -> None:
    documents, _ = read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert documents[0].tree == {"a": "1", "b": "2"}
    assert documents[0].place_of(("b",)).line == 2


# ---- places -------------------------------------------------------------------------------------------------------

PLACED = """\
kind: X
spec:
  windows:
    - {days: [mon, tue], from: a}
    - from: b
  "quoted key":   value
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("kind",), "1:1", "1:7"),
        (("spec",), "2:1", "3:3"),
        (("spec", "windows"), "3:3", "4:5"),
        (("spec", "windows", 0), "4:7", "4:7"),
        (("spec", "windows", 0, "days"), "4:8", "4:14"),
        (("spec", "windows", 0, "days", 1), "4:20", "4:20"),
        (("spec", "windows", 1, "from"), "5:7", "5:13"),
        (("spec", "quoted key"), "6:3", "6:19"),
        (("spec", "windows", 1, "to"), "5:7", "5:7"),
        (("spec", "nowhere", "below"), "2:1", "3:3"),
        (("nowhere",), "1:1", "1:1"),
        ((), "1:1", "1:1"),
    ],
)
def test_every_key_and_value_has_a_place(path: tuple[str | int, ...], key: str, value: str) -> None:
    document = read(PLACED)[0][0]
    at_key, at_value = document.place_of(path), document.place_of(path, key=False)
    assert (f"{at_key.line}:{at_key.column}", f"{at_value.line}:{at_value.column}") == (key, value)


def test_a_column_may_be_far_to_the_right() -> None:
    document = read(f'a: {{b: "{"x" * 5000}", c: 1}}\n')[0][0]
    assert document.place_of(("a", "c")).column == 5012


def test_places_count_letters_not_bytes() -> None:
    document = read("ż: {ó: 1}\n\nłąka: {ñ: 2, ü: }\n")[0][0]
    assert (document.place_of(("ż", "ó")).column, document.place_of(("łąka", "ü")).column) == (5, 14)
    assert document.place_of(("łąka", "ü"), key=False).line == 3


letters = st.text(st.sampled_from("abżó \n日:#-"))
# Line breaks that only YAML 1.1 knows (U+0085, U+2028) are none here, nor in an editor.
writings = st.recursive(letters, lambda inner: st.lists(inner) | st.dictionaries(letters, inner), max_leaves=8)


@given(
    st.dictionaries(letters.map(str.strip).filter(str.isprintable).filter(bool), writings, min_size=1), st.booleans()
)
def test_places_are_those_of_the_parser(document: dict[str, Any], unicode: bool) -> None:
    dumped = yaml.dump(document, Dumper=_Texts, sort_keys=False, allow_unicode=unicode)
    composed = yaml.compose(dumped, Loader=yaml.CSafeLoader)
    assert composed is not None
    documents, problems = read(dumped)
    if problems:
        return  # a key that the language does not allow
    for key, value in composed.value:
        for node, place in (
            (key, documents[0].place_of((key.value,))),
            (value, documents[0].place_of((key.value,), key=False)),
        ):
            assert (place.line, place.column) == (node.start_mark.line + 1, node.start_mark.column + 1)


# ---- what is wrong, in words ---------------------------------------------------------------------------------------

BAD = [
    ("a: b: c\n", "a.yaml:1:5  A key stands where none can: indent it like its neighbours, and quote a text with a colon and a space."),
    ("a:\n\tb: 1\n", "a.yaml:2:1  A tab is used to indent: YAML allows only spaces."),
    ("a: 1\n\tb: 2\n", "a.yaml:2:1  A tab is used to indent: YAML allows only spaces."),
    ("a: |\n  x\n\ty\n", "a.yaml:3:1  A tab is used to indent: YAML allows only spaces."),
    ("a: 1\nb: 2\na: 3\n", 'a.yaml:3:1  "a" is written twice, first in line 1: keep one.'),
    ("a: !env HOME\n", 'a.yaml:1:4  The tag "!env" is not supported: nothing in a file executes. Take it out.'),
    ("a: !!python/name:os {}\n", 'a.yaml:1:4  The tag "!!python/name:os" is not supported: nothing in a file executes. Take it out.'),
    ("!x\na: 1\n", 'a.yaml:1:1  The tag "!x" is not supported: nothing in a file executes. Take it out.'),
    ("a: [1, !x 2]\n", 'a.yaml:1:8  The tag "!x" is not supported: nothing in a file executes. Take it out.'),
    ("a: !b!c d\n", "a.yaml:1:4  Tags are not supported: nothing in a file executes. Take it out."),
    ("a: &x {b: 1}\nc: {<<: *x}\n", "a.yaml:2:5  Merge keys (<<) are not supported: write the fields out where they belong."),
    ("a: &a [*a]\n", "a.yaml:1:4  Nested deeper than 50 levels; an alias inside its own anchor does that too."),
    ("a: *x\n", "a.yaml:1:4  This alias names no anchor: define it with & above."),
    ("a: &x 1\nb: &x 2\n", "a.yaml:2:4  This anchor is defined twice: give it another name."),
    ("? [a]\n: b\n", "a.yaml:1:3  A key is one word: lists and mappings cannot be keys."),
    ('"a\\tb": 1\n', "a.yaml:1:1  A key holds a control character: write it as one word on one line."),
    ("- a\n- b\n", "a.yaml:1:1  A document is a mapping: apiVersion, kind, metadata and spec, one a line."),
    ("just text\n", "a.yaml:1:1  A document is a mapping: apiVersion, kind, metadata and spec, one a line."),
    ("a: [1, 2\nb: 3\n", "a.yaml:1:4  This list is not closed: a ] or a comma is missing."),
    ("a: {b: 1\n", "a.yaml:1:4  This mapping is not closed: a } or a comma is missing."),
    ('a: "b\nc: d\n', "a.yaml:1:4  The quote that opens here is never closed."),
    ('a: "\\q"\n', "a.yaml:1:5  Unknown escape: write \\\\ for a backslash, or use single quotes."),
    ("- a\nb: 1\n", "a.yaml:2:1  The list ends here: indent this line, or begin it with a dash."),
    ("a: 'it's'\n", "a.yaml:1:8  This line does not fit: indent it like its neighbours, and quote a text that holds quotes or brackets."),
    ("a: }\n", "a.yaml:1:4  A value is missing here, or a bracket stands too early."),
    ("a: 1\n<<<<<<< HEAD\nb: 2\n", "a.yaml:2:1  This line has no colon: write key: value."),
    ("a: @b\n", "a.yaml:1:4  No value can begin with @: put the text in quotes."),
    ("a: - b\n", "a.yaml:1:4  A list item (-) begins on a line of its own."),
    ("a: 1\n...\nb: 2\n", "a.yaml:3:1  A new document begins with a line of three dashes."),
    ("%YAML 3.0\n---\na: 1\n", "a.yaml:1:1  Only YAML 1.1 and 1.2 can be read: take the %YAML line out."),
    ("a: !<b\n", "a.yaml:1:7  This is not YAML: did not find the expected '>'."),
    (b"a: \xff\n", "a.yaml:1:4  The file is not UTF-8 from here on: save it as UTF-8."),
    ("ż: 1\nb: ó".encode("iso8859-2"), "a.yaml:1:1  The file is not UTF-8 from here on: save it as UTF-8."),
    ("a: 1\n".encode("utf-16"), "a.yaml:1:1  The file is not UTF-8 from here on: save it as UTF-8."),
    (b"a: \xc5\xbc\x00\n", "a.yaml:1:5  A control character stands here: take it out."),
    (b"#" * (MAX_BYTES + 1), "a.yaml  The file is larger than 1024 KiB: split it; people belong in a source."),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BAD, ids=[message[:60] for _, message in BAD])
def test_what_is_wrong_is_said_with_its_place(content: str | bytes, message: str) -> None:
    assert said(content) == [message]


def test_a_bomb_of_aliases_is_put_out() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    assert said(bomb) == ["a.yaml:1:10  Aliases expand more than 100 times: write the values out."]


def test_a_hundred_expansions_are_allowed() -> None:
    content = "a: &a x\n" + "".join(f"b{n}: *a\n" for n in range(100))
    assert not said(content)
    assert said(content + "c: *a\n") == ["a.yaml:1:4  Aliases expand more than 100 times: write the values out."]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
@pytest.mark.parametrize("levels", [60, 600, 200_000])
def test_deep_nesting_is_refused_before_it_hurts(opening: str, levels: int) -> None:
    problems = read(("a: " if opening in "[{a: " else "") + opening * levels)[1]
    assert len(problems) == 1


def test_fifty_levels_are_allowed() -> None:
    assert not said("a: " + "[" * 49 + "]" * 49)
    assert said("a: " + "[" * 50 + "]" * 50) == [
        "a.yaml:1:53  Nested deeper than 50 levels; an alias inside its own anchor does that too."
    ]
    many = "a: " + "[" * 49 + ",".join(["[]"] * 300) + "]" * 49
    assert said(many)[0].endswith("does that too.")
    assert not said("a: [" + ",".join(["[]"] * 600) + "]")


def test_a_broken_document_does_not_take_those_before_it_along() -> None:
    documents, problems = read("a: 1\n---\nb: [\n")
    assert [document.tree for document in documents] == [{"a": "1"}]
    assert len(problems) == 1


def test_an_alias_of_one_document_is_none_of_the_next() -> None:
    documents, problems = read("".join(f"---\na: &x {n}\nb: *x\n" for n in range(99)))
    assert (len(documents), problems) == (99, [])


@given(st.binary(max_size=200))
def test_rubbish_becomes_documents_or_problems(content: bytes) -> None:
    documents, problems = read(content)
    assert all(isinstance(document.tree, dict) for document in documents)
    assert all(problem.message for problem in problems)


@given(st.text(st.sampled_from("ab:-?[]{}&*!|>'\"%@`#,\n\t \\0x~<"), max_size=60))
def test_rubbish_made_of_yaml_becomes_documents_or_problems(content: str) -> None:
    for document in read(content)[0]:
        for path in document.outline.paths:
            assert document.place_of((path,)).line >= 1
