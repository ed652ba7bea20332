//! Chat templates that were written to do harm: every one is refused, or rendered within bounds, and the stack holds.

#[path = "support/meter.rs"]
mod meter;

use std::borrow::Cow;

use serde_json::json;
use undermask_engine::{ChatTemplate, Conversation, EngineError, Source};

use crate::meter::{check, metered, turn};

fn template(text: &str) -> Result<String, EngineError> {
    let files = vec![("chat_template.jinja".to_owned(), Cow::Owned(text.as_bytes().to_vec()))];
    let source = Source::Memory { name: "hostile".to_owned(), files };
    let template = ChatTemplate::read(&source)?.expect("a template");
    let messages = vec![json!({"role": "user", "content": "x"})];
    template.render(&Conversation { messages, ..Conversation::default() })
}

#[test]
fn templates() {
    let _turn = turn();
    let nest =
        |depth: usize| format!("{}x{}", "{% for i in range(99999) %}".repeat(depth), "{% endfor %}".repeat(depth));
    // As long as a template can be.
    let long = |word: &str| word.repeat(125_000 / word.len());
    for (what, text) in [
        ("loops", nest(2)),
        ("deep loops", nest(30)),
        ("a text doubled by ~", "{% set n = namespace(x='xxxxxxxx') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}".to_owned()),
        ("a text doubled by +", "{% set n = namespace(x='xxxxxxxx') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}".to_owned()),
        ("a text doubled by *", "{% set n = namespace(x='xxxxxxxx') %}{% for i in range(60) %}{% set n.x = n.x * 2 %}{% endfor %}{{ n.x }}".to_owned()),
        ("a text times a lot", "{{ 'x' * 99999999999 }}".to_owned()),
        ("a text times less", "{{ ('x' * 99999999)[:1] }}{{ ('x' * 99999999)[:1] }}{{ ('x' * 99999999)[:1] }}".to_owned()),
        ("a list times a lot", "{{ ([1] * 99999999)|list|length }}".to_owned()),
        ("a list of itself", "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}".to_owned()),
        ("JSON of a list of itself", "{% set n = namespace(x=[1]) %}{% for i in range(40) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x|tojson }}".to_owned()),
        ("pretty JSON of a list of itself", "{% set n = namespace(x=[1]) %}{% for i in range(40) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x|tojson(indent=64) }}".to_owned()),
        ("indented by a lot", "{{ [1]|tojson(indent=99999999999) }}".to_owned()),
        ("a blank line indented by a lot", "{{ 'a\nb'|indent(99999999999) }}".to_owned()),
        ("a block doubled", "{% set x = 'xxxxxxxx' %}{% macro d(x, n) %}{% if n > 0 %}{{ d(x ~ x, n - 1) }}{% else %}{{ x }}{% endif %}{% endmacro %}{{ d('xxxxxxxx', 60) }}".to_owned()),
        ("a macro of itself", "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}".to_owned()),
        ("a macro within its arguments", "{% macro m(x) %}{{ m(m(x)) }}{% endmacro %}{{ m(1) }}".to_owned()),
        ("a recursive loop", "{% for x in [[1]] recursive %}{{ loop([x, x]) }}{% endfor %}".to_owned()),
        ("an include of itself", "{% include 'chat' %}".to_owned()),
        ("a child of itself", "{% extends 'chat' %}".to_owned()),
        ("a text replaced by longer ones", "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x|replace('a', 'aaaaaaaa') %}{% endfor %}{{ n.x }}".to_owned()),
        ("a method that replaces", "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x.replace('a', 'aaaaaaaa') %}{% endfor %}{{ n.x }}".to_owned()),
        ("a text joined by itself", "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x.join(n.x|list) %}{% endfor %}{{ n.x }}".to_owned()),
        ("a format of a great width", "{{ '%999999999d'|format(1) }}".to_owned()),
        ("a text set in the middle of a lot", "{{ 'x'|center(999999999) }}{{ 'x'.center(999999999) }}".to_owned()),
        ("a large range", "{% for i in range(99999999999) %}{% endfor %}".to_owned()),
        ("a range as a list", "{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = n.x + [range(99999)|list] %}{% endfor %}{{ n.x|length }}".to_owned()),
        ("a large power", "{{ 9 ** 9 ** 9 ** 9 }}".to_owned()),
        ("deep brackets", format!("{{{{ {}1 }}}}", long("["))),
        ("deep parentheses", format!("{{{{ {}1 }}}}", long("("))),
        ("deep blocks", long("{% if 1 %}{% for x in [1] %}")),
        ("no end of a block", "{% for x in [1] %}".to_owned()),
        // A text of 20 MB, each of whose letters is written as several.
        ("JSON of letters that are escaped", "{{ {'b\u{17}' * 9999999: {}}|tojson }}".to_owned()),
        ("JSON of a text that is escaped", "{{ ['\u{17}' * 19999999]|tojson }}".to_owned()),
        ("a list that prints escaped letters", "{{ ['\u{17}' * 19999999] }}".to_owned()),
        ("letters with longer capitals", "{{ ('\u{390} ' * 9999999).title() }}".to_owned()),
        ("a date of a long format", "{{ strftime_now('%A' * 9999999) }}".to_owned()),
        ("a long reason", "{{ raise_exception('x' * 45000000) }}".to_owned()),
        ("an unknown filter", "{{ 1|x }}".to_owned()),
    ] {
        check(what, &["template"], || template(&text));
    }
    // What needs much, but not too much, is rendered or refused; either way it ends, and the stack holds.
    for (what, text) in [
        ("many nots", format!("{{{{ {}1 }}}}", long("not "))),
        ("many minus signs", format!("{{{{ {}1 }}}}", long("-"))),
        ("a long sum", format!("{{{{ 1{} }}}}", long("+1"))),
        ("a long text of texts", format!("{{{{ 'a'{} }}}}", long("~'a'"))),
        ("a long chain of filters", format!("{{{{ 'a'{} }}}}", long("|upper"))),
        ("a long chain of attributes", format!("{{{{ messages{} }}}}", long("[0]"))),
        ("many alternatives", format!("{{% if 0 %}}{}{{% endif %}}", long("{% elif 0 %}"))),
        ("a long chain of conditions", format!("{{{{ 1{} }}}}", long(" if 0 else 1"))),
        ("a deep list", "{% set n = namespace(x=[]) %}{% for i in range(99999) %}{% set n.x = [n.x] %}{% endfor %}done".to_owned()),
        ("a deep map", "{% set n = namespace(x={}) %}{% for i in range(99999) %}{% set n.x = {'a': n.x} %}{% endfor %}done".to_owned()),
        ("a deep sum of lists", "{% set n = namespace(x=[]) %}{% for i in range(99999) %}{% set n.x = n.x + [i] %}{% endfor %}{{ n.x|length }}".to_owned()),
        ("deep slices", "{% set n = namespace(x=[1, 2]) %}{% for i in range(99999) %}{% set n.x = n.x[0:] %}{% endfor %}{{ n.x|length }}".to_owned()),
        ("deep maps of filters", "{% set n = namespace(x=[1, 2]) %}{% for i in range(99999) %}{% set n.x = n.x|map('string') %}{% endfor %}{{ n.x|list|length }}".to_owned()),
        ("deep reversals", "{% set n = namespace(x=[1, 2]) %}{% for i in range(99999) %}{% set n.x = n.x|reverse %}{% endfor %}{{ n.x|list|length }}".to_owned()),
        ("a deep list compared", "{% set n = namespace(x=[], y=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% set n.y = [n.y] %}{% endfor %}{{ n.x == n.y }}".to_owned()),
        ("a deep list sorted", "{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}{{ [n.x, n.x]|sort|length }}{{ n.x|string|length }}".to_owned()),
    ] {
        let ended = metered(what, || template(&text));
        println!("  {}", ended.map_or_else(|error| format!("{error:.100}"), |text| format!("{} bytes", text.len())));
    }
    // Last: it is given up, and its thread goes on, and grows, until the program ends.
    let doubled = "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x|length }}{{ n.x }}";
    check("a list doubled", &["template", "too long"], || template(doubled));
}
