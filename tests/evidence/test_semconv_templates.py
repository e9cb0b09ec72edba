"""Prompts of one text that a chat template made, and what models write around what they say."""

from __future__ import annotations

import pytest

from evidence.semconv.marks import words_of_model
from evidence.semconv.messages import ASSISTANT, SYSTEM, USER
from evidence.semconv.templates import read_template

TOLD, FIRST, GAVE, ASKED = "Be brief.", "What is a first card?", "It is free.", "And\n\na second?"
CONVERSATION = [(SYSTEM, TOLD), (USER, FIRST), (ASSISTANT, GAVE), (USER, ASKED)]

PROMPTS = {
    "ChatML": (
        f"<|im_start|>system\n{TOLD}<|im_end|>\n<|im_start|>user\n{FIRST}<|im_end|>\n<|im_start|>assistant\n{GAVE}<|im_end|>\n"
        f"<|im_start|>user\n{ASKED}<|im_end|>\n<|im_start|>assistant\n"
    ),
    "Llama 3": (
        f"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{TOLD}<|eot_id|>"
        f"<|start_header_id|>user<|end_header_id|>\n\n{FIRST}<|eot_id|>"
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{GAVE}<|eot_id|>"
        f"<|start_header_id|>user<|end_header_id|>\n\n{ASKED}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    "Llama 2": f"<s>[INST] <<SYS>>\n{TOLD}\n<</SYS>>\n\n{FIRST} [/INST] {GAVE} </s><s>[INST] {ASKED} [/INST]",
    "Zephyr": (
        f"<|system|>\n{TOLD}</s>\n<|user|>\n{FIRST}</s>\n<|assistant|>\n{GAVE}</s>\n"
        f"<|user|>\n{ASKED}</s>\n<|assistant|>\n"
    ),
    "Phi": (
        f"<|system|>\n{TOLD}<|end|>\n<|user|>\n{FIRST}<|end|>\n<|assistant|>\n{GAVE}<|end|>\n"
        f"<|user|>\n{ASKED}<|end|>\n<|assistant|>\n"
    ),
    "gpt-oss": (
        f"<|start|>system<|message|>{TOLD}<|end|><|start|>user<|message|>{FIRST}<|end|>"
        f"<|start|>assistant<|channel|>final<|message|>{GAVE}<|end|><|start|>user<|message|>{ASKED}<|end|><|start|>assistant"
    ),
}
WITHOUT_SYSTEM = {
    "Gemma": (
        f"<bos><start_of_turn>user\n{FIRST}<end_of_turn>\n<start_of_turn>model\n{GAVE}<end_of_turn>\n"
        f"<start_of_turn>user\n{ASKED}<end_of_turn>\n<start_of_turn>model\n"
    ),
    "DeepSeek": (
        f"<｜begin▁of▁sentence｜><｜User｜>{FIRST}<｜Assistant｜>{GAVE}<｜end▁of▁sentence｜>"
        f"<｜User｜>{ASKED}<｜Assistant｜>"
    ),
    "Claude's completions": f"\n\nHuman: {FIRST}\n\nAssistant: {GAVE}\n\nHuman: {ASKED}\n\nAssistant:",
}


@pytest.mark.parametrize("template", [*PROMPTS, *WITHOUT_SYSTEM])
def test_a_prompt_is_read_as_what_its_template_was_given(template: str) -> None:
    prompt, conversation = (
        (PROMPTS[template], CONVERSATION)
        if template in PROMPTS
        else (WITHOUT_SYSTEM[template], CONVERSATION[1:])
    )
    messages = read_template(prompt)
    assert [(message.role, message.text) for message in messages or []] == conversation


@pytest.mark.parametrize(
    "text",
    [
        "",
        ASKED,
        f"How do I end <|im_start|>user\n{ASKED}<|im_end|>\n<|im_start|>assistant\n",  # a person who asks about one
        f"<|im_start|>user\n{ASKED}<|im_end|>",  # nobody is to go on
        f"<|im_start|>narrator\n{ASKED}<|im_end|>\n<|im_start|>assistant\n",
        "<|im_start|>assistant\n",
        "[INST] What is this?",
        f"[INST] {ASKED} [/INST] {GAVE}",
        "Human: is the person a human?",
        "[INST]",
    ],
)
def test_what_only_looks_like_a_template_stays_a_text(text: str) -> None:
    assert read_template(text) is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (f"<think>12 or\n13?</think>\n\n{GAVE}", GAVE),
        (f"12 or\n13?\n</think>\n\n{GAVE}", GAVE),
        (f"<thinking>12?</thinking>{GAVE}", GAVE),
        (
            f"<|channel|>analysis<|message|>12?<|end|><|start|>assistant<|channel|>final<|message|>{GAVE}<|return|>",
            GAVE,
        ),
        (
            f'<details type="reasoning" done="true">\n<summary>Thought</summary>\n> 12?\n</details>\n{GAVE}',
            GAVE,
        ),
        (f"{GAVE}<|im_end|>", GAVE),
        (f"{GAVE}</s>\n</s>", GAVE),
        ("<think>12?", ""),
        ("<|channel|>analysis<|message|>12?", ""),
        ("I think so.", "I think so."),
        ("Write `</think>` to end it.", "Write `</think>` to end it."),
        ("First.\n<think>\nNot yet.\n</think>\nThen.", "First.\n<think>\nNot yet.\n</think>\nThen."),
        ("It ends with </s> always.", "It ends with </s> always."),
        (
            "<details>\n<summary>Fees</summary>\n12 EUR\n</details>",
            "<details>\n<summary>Fees</summary>\n12 EUR\n</details>",
        ),
    ],
)
def test_what_a_model_said_is_told_without_its_thought_and_its_end(written: str, said: str) -> None:
    assert words_of_model(written) == said
