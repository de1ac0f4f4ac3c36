#!/usr/bin/env python3
"""Talks as transformers' apply_chat_template writes them, with the templates of published models.

Writes chat.json: a list of [form, template, begin, end, [[role, content], ...], text]. Alpaca has no template of its own; the one here
puts the headings of its paper's prompts before each turn. "plain" is a line a turn.

tests/oracle/chat.py OUTPUT_FILE   (transformers, tokenizers, jinja2)
"""
import json
import sys

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

LOOP = "{% for message in messages %}"
SYSTEM = "{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nSAID<|im_end|>\n' }}{% endif %}"
CHATML = ("{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
ALTERNATE = "raise_exception('Conversation roles must alternate user/assistant/user/assistant/...')"
TEMPLATES = {
    "chatml": [LOOP + CHATML, LOOP + SYSTEM.replace("SAID", "You are a helpful assistant.") + CHATML,
               LOOP + SYSTEM.replace("SAID", "You are a helpful AI assistant named SmolLM, trained by Hugging Face") + CHATML],
    "zephyr": [LOOP + "\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n"
               "{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
               "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
               "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"],
    "llama2": ["{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}"
               "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
               "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ " + ALTERNATE + " }}{% endif %}"
               "{% if loop.index0 == 0 and system_message != false %}"
               "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}"
               "{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
               "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
               "{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"],
    "llama3": ["{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + "
               "'<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
               "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
               "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"],
    "mistral": ["{{ bos_token }}" + LOOP + "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ " + ALTERNATE + " }}{% endif %}"
                "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
                "{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}"
                "{% endif %}{% endfor %}"],
    "alpaca": [LOOP + "{% if message['role'] == 'user' %}{{ '### Instruction:\n' + message['content'] + '\n\n' }}"
               "{% elif message['role'] == 'assistant' %}{{ '### Response:\n' + message['content'] + eos_token + '\n\n' }}"
               "{% else %}{{ message['content'] + '\n\n' }}{% endif %}{% endfor %}"],
    "plain": [LOOP + "{{ message['content'] + '\n' }}{% endfor %}"],
}
TALKS = [
    [("user", "Hi"), ("assistant", "Hello!")],
    [("system", "Be brief.\nAlways."), ("user", "  What is 2+2?  "), ("assistant", " 4\n"), ("user", "\u00a0And 3+3?\n\n"), ("assistant", "6 \u4e2d\u6587")],
    [("user", "only a question {{ 'x' }}")],
    [("user", ""), ("assistant", "")],
]


def main(path):
    rows = []
    for form, templates in TEMPLATES.items():
        begin, end = ("<|begin_of_text|>", "<|end_of_text|>") if form == "llama3" else ("<s>", "</s>")
        for template in templates:
            t = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token=begin, eos_token=end, chat_template=template)
            for talk in TALKS:
                if form == "mistral" and talk[0][0] == "system":
                    continue
                text = t.apply_chat_template([{"role": r, "content": c} for r, c in talk], tokenize=False)
                rows.append([form, template, begin, end, [list(m) for m in talk], text])
    with open(path, "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
