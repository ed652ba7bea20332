"""Chat templates with the features of the families' own, rendered by transformers.

    python make_chat.py ../fixtures/chat.json

The templates are written for this test. `strftime_now` is held at undermask's fixed clock, noon of nothing: 1 January 2026.
"""

import datetime
import json
import pathlib
import sys

import jinja2
from transformers.utils import chat_template_utils

GENERATION = "{%- if add_generation_prompt %}<|assistant|>\n{% endif %}"
TEMPLATES = {
    # A system role refused, and strict turns (Gemma, early Mistral).
    "refuses": "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}{{ '<start>' + role + '\n' + message['content'] | trim + '<end>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start>model\n' }}{% endif %}",
    # The system message folded into the first user turn (Llama 2, later Mistral).
    "folds": "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}{% else %}{% set rest = messages %}{% set system = false %}{% endif %}{% for m in rest %}{% if loop.index0 == 0 and system != false %}{% set content = '<<S>>\n' + system + '\n<</S>>\n\n' + m['content'] %}{% else %}{% set content = m['content'] %}{% endif %}{% if m['role'] == 'user' %}{{ bos_token + '[I] ' + content.strip() + ' [/I]' }}{% elif m['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    # Tools, indentation, dates, defaults (Llama 3.1, 3.2).
    "tools": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system = "" %}
{%- endif %}
{{- "<|h|>system<|e|>\n\nToday Date: " + date_string + "\n\n" }}
{%- if tools is not none %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\n\n" }}
    {%- endfor %}
{%- endif %}
{{- system }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|h|>' + message['role'] + '<|e|>\n\n'+ message['content'] | trim + '<|t|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
        {%- set call = message.tool_calls[0].function %}
        {{- '{"name": "' + call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- call.arguments | tojson }}
        {{- "}<|t|>" }}
    {%- endif %}
{%- endfor %}
""" + GENERATION,
    # Namespaces, reversed loops, thinking cut out of earlier turns (Qwen 3).
    "namespace": """{%- set ns = namespace(last=messages|length - 1, seen=false) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if not ns.seen and message.role == "user" and not(message.content.startswith('<r>') and message.content.endswith('</r>')) %}
        {%- set ns.seen = true %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if message.role == "assistant" %}
        {%- set thought = '' %}
        {%- if '</think>' in content %}
            {%- set thought = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or thought) %}
            {{- '<s>' + message.role + '\n<think>\n' + thought.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
        {%- else %}
            {{- '<s>' + message.role + '\n' + content }}
        {%- endif %}
    {%- else %}
        {{- '<s>' + message.role + '\n' + content + '<e>' + '\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<s>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}""",
    # Macros, nested loops over dictionaries, types tested (Command, Hermes, function calling).
    "macros": """{%- macro kind(spec) %}{%- if spec.type == 'array' %}list[{{ kind(spec['items']) }}]{%- elif spec.type is string %}{{ spec.type | upper }}{%- elif spec.type is iterable %}{{ spec.type | join(' or ') }}{%- else %}any{%- endif %}{%- endmacro %}
{%- for tool in tools or [] %}
def {{ tool.function.name }}({% for name, spec in tool.function.parameters.properties.items() %}{{ name }}: {{ kind(spec) }}{% if name not in tool.function.parameters.required %} = None{% endif %}{% if not loop.last %}, {% endif %}{% endfor %}):  # {{ tool.function.description | default('none', true) | replace('\n', ' ') }}
{%- endfor %}
{% for message in messages %}
{% if message.content is string %}
{{ loop.index }}/{{ loop.length }} {{ message.role | title }}: {{ message.content }}
{% elif message.content is mapping %}
map
{% else %}
{% for part in message.content %}{% if part.type == 'text' %}[{{ part.text }}]{% else %}({{ part.type }}){% endif %}{% endfor %}

{% endif %}
{% endfor %}""" + GENERATION,
    # Whitespace control and comments.
    "spaces": "{# a comment #}\n  {% if true %}\n  indented\n  {% endif %}\n{%- for m in messages -%}\n  {{ m.role }} : {{ m.content }}  \n{%+ if loop.first %} first{% endif +%}\n  {%- if not loop.last %}\n,{% endif %}\n{%- endfor -%}\n\n  tail\n",
    # Loop controls, loop variables, filters.
    "loops": "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{% if loop.index > 4 %}{% break %}{% endif %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.cycle('a', 'b') }}{% if loop.previtem is defined %}<{{ loop.previtem.role }}{% endif %}{% if loop.nextitem is defined %}>{{ loop.nextitem.role }}{% endif %}|{% else %}none{% endfor %}{{ messages | map(attribute='role') | list }}{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ messages | rejectattr('role', 'equalto', 'user') | map(attribute='content') | join(';') }}{{ messages[-1].role }}{{ messages[-1]['content'][:3] }}{{ messages[-1]['content'][-2:] }}{{ (messages | last).role }}{{ messages | length }}",
    # JSON of every kind of value.
    "json": "{{ messages | tojson }}|{{ messages[0].content | tojson }}|{{ {'a': [1, 2.5, true, none, 'é<&>\\'\"'], 'b': {}} | tojson(indent=2) }}|{{ [] | tojson }}|{{ {'z': 1, 'a': 2} | tojson }}",
    # Methods of texts and dictionaries.
    "methods": "{% for m in messages %}{{ m.content.upper() }}{{ m.content.lower() }}{{ m.content.title() }}{{ m.content.capitalize() }}{{ m.content.replace('a', 'b') }}{{ m.content.split(' ') }}{{ m.content.split() | length }}{{ m.content.find('a') }}{{ m.content.count('a') }}{{ m.content.strip('.') }}{{ m['role'].startswith('us') }}{{ m.get('name', 'nobody') }}{{ m.items() | list | length }}{{ m.keys() | list }}{{ 'x' in m.content }}{{ m.content ~ '!' ~ 3 }}{{ '%s-%s' | format(m.role, 7) }}{{ '\\n'.join(['p', 'q']) }}{{ 7 // 2 }}{{ 7 % 3 }}{{ 2 ** 3 }}{{ 7 / 2 }}{{ 10 | string }}{{ '5' | int + 1 }}{% endfor %}",
    # Prefill: the last assistant turn left open.
    "prefill": "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if not (loop.last and m.role == 'assistant') %}<|end|>{% endif %}{% endfor %}" + GENERATION,
    # Undefined names are nothing; tests on them.
    "undefined": "{{ nothing }}{% if nothing %}x{% endif %}{% if messages[0].name is not defined %}no name{% endif %}{{ messages[0].name or 'fallback' }}{{ pad_token is defined }}{{ (tools is defined and tools) and 'tools' or 'none' }}{{ '' if messages[0].content is none else 'text' }}",
    "generation": "{% for m in messages %}{%- if m.role == 'assistant' %}\n  {%- generation %}\n{{ m.content }}~\n  {% endgeneration -%}\n  x{% else %}{{ m.content }}{% endif %}{% endfor %}",
    # How values are printed.
    "values": "{{ true }}{{ none }}{{ 1.0 }}{{ [1, 'a\\'b', none, true, {'k': 2.5}] }}{{ messages[0] }}{{ not true }}{{ 1 == 1 }}",
    "strftime": "{{ strftime_now('%Y-%m-%d') }} {{ strftime_now('%B %d, %Y') }} {{ strftime_now('%A %a %H:%M:%S %j %y') }}",
}
TEMPLATES["documents"] = (
    "{%- if documents %}<docs>\n{% for d in documents %}[{{ loop.index }}] {{ d.title | default('untitled') }}: {{ d['text'] | trim }}{% if d.meta %} {{ d.meta | tojson }} {{ d.meta }}{% endif %}\n{% endfor %}</docs>\n{% endif %}"
    "{%- set shown = citations if citations is defined else 'off' %}{{ bos_token }}{{ shown }}{% if budget is defined %}{{ budget + 1 }}{{ budget / 4 }}{% endif %}"
    "{%- for key, value in (extra or {}).items() %}{{ key }}={{ value }};{% endfor %}{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}" + GENERATION
)
CONVERSATIONS = [
    [{"role": "user", "content": "  Hello a.  "}],
    [{"role": "system", "content": "Be kind. "}, {"role": "user", "content": "x asks a question"}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nb é 日本 \"quoted\" <b>&amp;"}, {"role": "user", "content": "c'd"}],
    [{"role": "system", "content": "S"}, {"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}, {"role": "user", "content": "<r>three</r>"}, {"role": "assistant", "content": "four and"}],
]

TOOLS = [{"type": "function", "function": {"name": "wetter", "description": "The weather\nin ä place", "parameters": {"type": "object", "properties": {"place": {"type": "string"}, "days": {"type": ["integer", "null"]}, "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["place"]}}}]
CALLING = [
    {"role": "user", "content": "Wie ist das Wetter?"},
    {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "wetter", "arguments": {"place": "Köln", "days": 2, "share": 0.5}}}]},
    {"role": "tool", "content": "sonnig"},
    {"role": "user", "content": [{"type": "text", "text": "und"}, {"type": "image"}]},
]
DOCUMENTS = [{"title": "One", "text": " first \n"}, {"text": "Größe", "meta": {"year": 2024, "tags": ["a", None, True], "share": 0.25}}]
# Variables beside those that are always there, by template.
VARIABLES = {
    "namespace": [{"enable_thinking": False}, {"enable_thinking": True}],
    "tools": [{"date_string": "3 May 2025"}, {"custom_tools": TOOLS}],
    "documents": [{}, {"citations": "on", "budget": 7}, {"extra": {"a": None, "b": [1, 2.0], "c": "d"}}, {"bos_token": "#"}],
}
MULTIPLE = [CALLING[0], {**CALLING[1], "tool_calls": CALLING[1]["tool_calls"] * 2}]


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 1)


def main() -> None:
    chat_template_utils.datetime = Clock
    cases = []
    for name, template in TEMPLATES.items():
        runs = [(number, messages, None) for number, messages in enumerate(CONVERSATIONS)]
        if name in ("tools", "macros", "json"):
            runs += [(len(CONVERSATIONS), CALLING, TOOLS), (len(CONVERSATIONS) + 1, MULTIPLE, TOOLS)]
        runs = [(*run, None, {}) for run in runs]
        for variables in VARIABLES.get(name, []):
            runs += [(number, CONVERSATIONS[number], None, documents, variables) for number in (1, 2) for documents in (None, DOCUMENTS)]
        for number, messages, tools, documents, variables in runs:
            for prompt in (False, True):
                try:
                    compiled = chat_template_utils._compile_jinja_template(template)
                    # As apply_chat_template calls it: special tokens, then what the caller gives.
                    given = {"bos_token": "!", "eos_token": "~"} | variables
                    text = compiled.render(messages=messages, tools=tools, documents=documents, add_generation_prompt=prompt, **given)
                except jinja2.exceptions.TemplateError as error:
                    text = {"refused": str(error)}
                case = {"name": name, "conversation": number, "tools": tools, "add_generation_prompt": prompt, "text": text}
                if documents or variables:
                    case |= {"documents": documents, "variables": variables}
                cases.append(case)
    saved = {"templates": TEMPLATES, "conversations": [*CONVERSATIONS, CALLING, MULTIPLE], "cases": cases}
    pathlib.Path(sys.argv[1]).write_text(json.dumps(saved, indent=1, ensure_ascii=False))


main()
