"""Random tiny Llama models with transformers' own activations, logits and chat renderings: the engine's oracle.

    python make_fixtures.py OUT [--seed N] [--more]

Writes one directory a model under OUT. The committed fixtures are seed 1; the CI run makes others with another seed.
"""

import argparse
import json
import pathlib
import random

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEMPLATES = {
    "plain": "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
    "refuses-system": "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    "blocks": """{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}
    {%- set rest = messages[1:] %}
{%- else %}
    {%- set system = 'Cutting date: ' + strftime_now('%Y')[:2] %}
    {%- set rest = messages %}
{%- endif %}
<<SYS>>{{ system }}<</SYS>>
{% for m in rest %}
    {%- if m.role == "user" and loop.first -%}
        [INST] {{ m.content.strip() }} [/INST]
    {%- elif m.role == "user" %}
        [INST] {{ m.content.strip() }} [/INST] {{ loop.index }}
    {% else %}
{{ m.content }}</s>
    {%- endif %}
{% endfor %}
{%- if add_generation_prompt %}{{- '### ' ~ (messages | length) ~ ':' }}{%- endif %}""",
    "json": "{% for m in messages %}{% set part = {'role': m.role, 'text': m.content, 'n': [1, 2.5, true, none]} %}{{ part | tojson }}{{ ';' if not loop.last else '' }}{% endfor %}{% set ns = namespace(count=0) %}{% for m in messages %}{% for word in m.content.split(' ') %}{% set ns.count = ns.count + 1 %}{% endfor %}{% endfor %}{{ ns.count }}{% if add_generation_prompt %}{{ messages[-1].content.startswith('x') }}{% endif %}",
}

CONVERSATIONS = [
    [{"role": "user", "content": "  Hello <there> & 'you' \n"}],
    [{"role": "system", "content": "Be kind. "}, {"role": "user", "content": "x asks"}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b é"}, {"role": "user", "content": "c"}],
]


def tokenizer(directory: pathlib.Path, size: int) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(alphabet)}
    for index in range(len(vocabulary), size):
        vocabulary[f"extra{index}"] = index
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    wrapped = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="!", eos_token="~")
    wrapped.save_pretrained(directory)


def render(directory: pathlib.Path) -> None:
    core = PreTrainedTokenizerFast.from_pretrained(directory)
    cases = []
    for name, template in TEMPLATES.items():
        for conversation in CONVERSATIONS:
            for prompt in (False, True):
                try:
                    text = core.apply_chat_template(conversation, chat_template=template, tokenize=False, add_generation_prompt=prompt)
                except Exception as error:  # the template's own refusal
                    text = None
                cases.append({"template": template, "name": name, "messages": conversation, "add_generation_prompt": prompt, "text": text})
    (directory / "chat.json").write_text(json.dumps(cases, indent=1, ensure_ascii=False))


def model(out: pathlib.Path, name: str, seed: int, dtype: torch.dtype, shards: bool, **shape) -> None:
    torch.manual_seed(seed)
    config = LlamaConfig(**shape, bos_token_id=0, eos_token_id=93, pad_token_id=None)
    network = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():  # larger than the initialisation, so that errors would show
            parameter.mul_(4.0 if parameter.dim() == 2 else 1.0)
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    directory = out / name
    directory.mkdir(parents=True, exist_ok=True)
    network.to(dtype).save_pretrained(directory, max_shard_size="20KB" if shards else "5GB")
    # Read back rather than cast: a cast would round the rotary frequencies, which are not weights.
    network = LlamaForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    tokenizer(directory, shape["vocab_size"])
    generator = random.Random(seed)
    saved = {}
    for index, length in enumerate([1, 7, 40, 130]):
        tokens = torch.tensor([[generator.randrange(shape["vocab_size"]) for _ in range(length)]])
        with torch.no_grad():
            blocks = []
            hooks = [layer.register_forward_hook(lambda _m, _i, output, b=blocks: b.append(output[0] if isinstance(output, tuple) else output)) for layer in network.model.layers]
            result = network(tokens)
            for hook in hooks:
                hook.remove()
        saved[f"{index}.tokens"] = tokens[0].to(torch.int64)
        # The committed fixtures stay small: logits of the last eight positions of long sequences.
        saved[f"{index}.logits"] = result.logits[0][-8:].float().contiguous()
        for number, block in enumerate(blocks):
            saved[f"{index}.blocks.{number}.resid_post"] = block.reshape(length, -1)[-8:].float().contiguous()
    save_file(saved, directory / "expected.safetensors")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    torch.set_num_threads(2)
    pick = random.Random(options.seed)
    llama3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    linear = {"rope_type": "linear", "factor": 2.5}
    base = {"max_position_embeddings": 512}
    shapes = {
        "grouped": dict(vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=8, num_key_value_heads=2, tie_word_embeddings=True, **base),
        "untied": dict(vocab_size=311, hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, tie_word_embeddings=False, **base),
        "odd": dict(vocab_size=317, hidden_size=72, intermediate_size=100, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2, head_dim=10, tie_word_embeddings=True, rms_norm_eps=1e-5, **base),
        "biased": dict(vocab_size=290, hidden_size=40, intermediate_size=56, num_hidden_layers=2, num_attention_heads=5, num_key_value_heads=1, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, **base),
        "llama3-rope": dict(vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True, rope_parameters={"rope_theta": 50000.0, **llama3}, **base),
        "linear-rope": dict(vocab_size=300, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True, rope_parameters={"rope_theta": 10000.0, **linear}, **base),
    }
    for number, (name, shape) in enumerate(shapes.items()):
        dtype = [torch.float32, torch.bfloat16, torch.float16][number % 3]
        model(options.out, name, options.seed * 100 + number + pick.randrange(50), dtype, name == "untied", **shape)
    render(options.out / "grouped")


main()
