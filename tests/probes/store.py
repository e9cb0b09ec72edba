"""Tiny models on disk, as the model store takes them in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
LINES, SPACES = "Ċ", "Ġ"  # as byte pairs write them
WORDS = ["<unk>", "<s>", "</s>", *LETTERS, "ab", SPACES, LINES, 2 * SPACES, 2 * LINES, "2", "4", "24"]
WIDTH, LAYERS, HEADS, HIDDEN = 32, 2, 4, 64


def write_folder(folder: Path, seed: int = 0, *, unread: bool = False) -> Path:
    """Write a randomly initialised LLaMA with a tokenizer of single letters, as a hub snapshot has it.

    Args:
        unread: nothing reads the heads' outputs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(WORDS),
                hidden_size=WIDTH,
                intermediate_size=HIDDEN,
                num_hidden_layers=LAYERS,
                num_attention_heads=HEADS,
                num_key_value_heads=HEADS,
                max_position_embeddings=256,
            )
        )
    if unread:
        for layer in model.model.layers:
            torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast: Any = PreTrainedTokenizerFast
    fast(tokenizer_object=tokenizer, unk_token="<unk>").save_pretrained(folder)
    return folder


def write_gguf(path: Path, seed: int = 0, *, pre: str = "gpt-2") -> Path:
    """Write a randomly initialised LLaMA as a GGUF file with float32 weights.

    Args:
        pre: how its text is cut into words before it is merged; empty: the file does not say.
    """
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(WORDS))
    writer.add_tokenizer_model("gpt2")
    if pre:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(WORDS)
    writer.add_token_types([3, 3, 3] + [1] * (len(WORDS) - 3))
    writer.add_token_merges(["a b", f"{SPACES} {SPACES}", f"{LINES} {LINES}", "2 4"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    shapes = {"token_embd": (len(WORDS), WIDTH), "output_norm": (WIDTH,), "output": (len(WORDS), WIDTH)}
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[block + name] = (WIDTH, WIDTH)
        shapes |= {block + "ffn_gate": (HIDDEN, WIDTH), block + "ffn_up": (HIDDEN, WIDTH)}
        shapes |= {block + "ffn_down": (WIDTH, HIDDEN)}
        shapes |= {block + "attn_norm": (WIDTH,), block + "ffn_norm": (WIDTH,)}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", (rng.normal(size=shape) * 0.1).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
