"""Rules that a project writes itself, in CEL."""

import pytest

from assay_models.rules.cel_expression import ExpressionError, compile_expression, split_conjunction
from assay_schemas.contract.rules import ExpressionRule
from tests.models.rules.judged import findings, with_rule
from tests.support.builders import GOOD, LABELS, a_contract, an_annotation, an_item, circumstances


def problem(when: str, kind: str = "multilabel") -> str:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(ExpressionRule(id="own", when=when), a_contract(kind))
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "when"),
    [
        ("categorical", "label == 'safe'"),
        ("categorical", "label in ['safe', 'adult'] && lead_time_seconds > 12.0"),
        ("categorical", "item.text.contains('Rome')"),
        ("categorical", "item.text.matches('^Anna')"),
        ("categorical", "item.attributes.market == 'BR' && attributes['market'] == 'BR'"),
        ("categorical", "item.id == 'i-204' && annotator.id == 'a17' && annotator.kind == 'human'"),
        ("categorical", "item.gold == null && item.media == null"),
        ("pairwise", "label == 'left'"),
        ("ordinal", "label >= 4.0"),
        ("multilabel", "'scam' in label && size(label) == 2"),
        ("multilabel", "label.exists(value, value == 'scam')"),
        ("spans", "label[0].start == 0 && label[0].label == 'person'"),
        ("boxes", "label.all(box, box.width * box.height < 30.0)"),
    ],
)
def test_a_rule_objects_where_its_expression_is_true(kind: str, when: str) -> None:
    contracts = with_rule(kind, id="own", when=when), with_rule(kind, id="own", when=f"!({when})")
    annotation = an_annotation(label=GOOD[kind])

    found, opposite = (findings(annotation, contract) for contract in contracts)

    assert [(one.rule, one.action, one.message) for one in found] == [("own", "flag", f"the condition holds: {when}")]
    assert opposite == []


def test_media_and_features_can_be_asked_about() -> None:
    item = an_item(media={"uri": "s3://images/1.png", "width": 100, "height": 50}, features=[0.5, 2.0])
    contract = with_rule(id="own", when="item.media.width == 100 && item.features[1] > 1.0")

    found = findings(an_annotation(item=item), contract)

    assert [one.rule for one in found] == ["own"]


def test_a_project_may_put_its_rule_in_its_own_words() -> None:
    contract = with_rule(id="own", when="label == 'safe'", message="Nothing is safe.", action="reject")

    found = findings(an_annotation(), contract)

    assert [(one.action, one.message) for one in found] == [("reject", "Nothing is safe.")]


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("lead_time_seconds < 1.0", "lead_time_seconds"),
        ("item.features[0] > 1.0", "null"),
        ("item.text.matches(item.id)", "regular expression"),
    ],
)
def test_an_expression_that_cannot_be_evaluated_counts_and_does_not_object(when: str, why: str) -> None:
    contract = with_rule(id="own", when=when, action="reject", message="my words")
    annotation = an_annotation(lead_time_seconds=None, item=an_item(id="("))

    found = findings(annotation, contract)

    assert [(one.rule, one.action) for one in found] == [("own", "count")]
    assert found[0].message.startswith("could not be evaluated: ")
    assert why in found[0].message


@pytest.mark.parametrize(
    "when",
    [
        "item.attributes.guideline == '7'",
        "attributes['guideline'] == '7'",
        "attributes.market == 'BR' && attributes.guideline != '7'",
    ],
)
def test_an_item_without_the_attribute_does_not_meet_the_condition(when: str) -> None:
    assert findings(an_annotation(), with_rule(id="own", when=when, action="reject")) == []


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("item.text.matches('[0-9')", "'[0-9' is no regular expression (at character 19): invalid regular expression"),
        ("label == 'safe' && item.id.matches(r'(')", "r'(' is no regular expression (at character 36)"),
        ("lead_time_seconds < 2", "write 2.0 instead of 2 (at character 19)"),
        ("2 > lead_time_seconds", "write 2.0 instead of 2"),
    ],
)
def test_an_expression_that_would_only_fail_at_run_time_is_refused_with_the_cure(when: str, why: str) -> None:
    assert why in problem(when, "categorical")


def test_the_reason_an_evaluation_failed_is_short_and_visible() -> None:
    contract = with_rule(id="own", when="item.text.matches(item.text)")
    annotation = an_annotation(item=an_item(text="[\u202e\n" + "x" * 10_000))

    found = findings(annotation, contract)

    assert "\\u{202e}\\u{a}xxx" in found[0].message
    assert len(found[0].message) < 300


@pytest.mark.parametrize("kind", LABELS)
def test_a_label_of_the_wrong_kind_does_not_break_an_expression(kind: str) -> None:
    contract = a_contract(kind)
    check = compile_expression(ExpressionRule(id="own", when="label == label"), contract)

    found = [
        check(annotation, circumstances(annotation))
        for annotation in (an_annotation(label=label) for label in [None, *GOOD.values()])
    ]

    assert {one.action.value for objections in found for one in objections} == {"flag", "count"}


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("labl == 'x'", "undeclared reference to 'labl' (in container '') (at character 1)"),
        ("label == ", "Syntax error"),
        ("label == 3", "no matching overload"),
        ("item.txt == ''", "'item.txt' does not exist; did you mean 'text'?"),
        ("annotator.zzz == ''", "'annotator.zzz' does not exist; there are id, kind"),
        ("size(label)", "it is no condition: it gives INT, not true or false"),
        ("item.gold", "it is no condition: it gives DYN, not true or false"),
    ],
)
def test_a_mistake_is_explained_before_the_rule_is_in_force(when: str, said: str) -> None:
    assert said in problem(when)


@pytest.mark.parametrize(
    "when",
    [
        "label.all(x, label.exists(y, x == y))",
        "label.exists(x, x == '') || label . filter ( x, true) == []",
        "label.all//\n(x, label.all//\n(y, x == y))",
        "'it\\'s' == '' || label.all(x, label.all(y, x == y)) || 'it\\'s' == ''",
        "label.all(x, label.all // it's\n(y, x == y)) // it's",
        "'''it's''' == '' || label.all(x, label.all(y, x == y)) || '''it's''' == ''",
    ],
)
def test_a_rule_loops_once_at_most(when: str) -> None:
    assert "loops more than once" in problem(when)


@pytest.mark.parametrize(
    "when",
    [
        "label.exists(x, x == 'a.all(b')",
        'label.exists(x, x == "it\'s.map(y") // item.nothing label.all(',
        "label.exists(x, x == r'a\\.map(') || item.text == 'item.nothing'",
        "label.exists(x, x == '''it's item.nothing.map(''')",
        'label.exists(x, x == """say "item.nothing".map(""")',
    ],
)
def test_what_stands_in_strings_and_comments_is_no_part_of_the_expression(when: str) -> None:
    check = compile_expression(ExpressionRule(id="own", when=when), a_contract("multilabel"))
    annotation = an_annotation(label=["safe"])

    found = check(annotation, circumstances(annotation))

    assert not found


@pytest.mark.parametrize(
    ("when", "parts"),
    [
        ("label == 'a'", 1),
        ("label == 'a' && item.text == 'b'", 2),
        ("label == 'a && b' && (true && false) && [true && true][0]", 3),
        ("label == 'a' || item.text == 'b' && true", 1),
        ("true && label == 'a' ? true : false", 1),
        ("true // && here\n && false", 2),
    ],
)
def test_an_expression_is_split_where_conditions_are_anded(when: str, parts: int) -> None:
    assert len(split_conjunction(when)) == parts


@pytest.mark.parametrize(
    "when",
    [
        "label == 'safe' && attributes.market == 'BR'",
        "attributes.market == 'BR' && size(attributes) == 2",
        "attributes.missing == 'x' && label == 'scam'",
        "label == 'safe' && attributes.missing == 'x'",
        "item.gold && label == 'safe'",
        "label == 'safe' || attributes.missing == 'x'",
    ],
)
def test_an_answer_is_the_same_however_often_it_is_asked(when: str) -> None:
    own = compile_expression(ExpressionRule(id="own", when=when), a_contract())
    again = compile_expression(ExpressionRule(id="own", when=when), a_contract())
    asked = [
        an_annotation(label=label, item=an_item(attributes={"market": market}))
        for label in ("safe", "scam")
        for market in ("BR", "DE")
    ]

    first = [again(annotation, circumstances(annotation)) for annotation in asked]
    second = [again(annotation, circumstances(annotation)) for annotation in asked]
    backwards = [own(annotation, circumstances(annotation)) for annotation in reversed(asked)][::-1]

    assert first == second == backwards


def test_no_more_answers_are_remembered_than_fit() -> None:
    check = compile_expression(ExpressionRule(id="own", when="label == 'l7'"), a_contract())
    asked = [an_annotation(label=f"l{number}") for number in range(5_000)]

    found = [annotation.label for annotation in asked * 2 if check(annotation, circumstances(annotation))]

    assert found == ["l7", "l7"]
