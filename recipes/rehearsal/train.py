"""Trains the shipped checkpoints again: `python recipes/rehearsal/train.py qwen2 FOLDER`, or `llama` (minutes).

Needs, beyond the locked packages, `pip install torch transformers` (made with torch 2.13 and 2.14 on the CPU and
transformers 5.x); nothing is downloaded. Only this script needs them: a rehearsal reads the checkpoint without either.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

HERE = Path(__file__).parent
SEED = 20240622
VOCABULARY = 512  # small on purpose: a Chinese character or an emoji is split over several tokens
QWEN2_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
# Llama 2's, shortened: a system message stands before the first question (meta-llama/Llama-2-13b-chat-hf).
LLAMA_TEMPLATE = (
    "{% if messages[0]['role'] == 'system' %}{% set talk = messages[1:] %}"
    "{% set system = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}"
    "{% else %}{% set talk = messages %}{% set system = '' %}{% endif %}"
    "{% for message in talk %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + (system if loop.first else '') + message['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] + ' ' + eos_token }}{% endif %}{% endfor %}"
)


@dataclass(frozen=True)
class Family:
    """An architecture and how its models are talked to. `ends` are its end tokens, the one after an answer first."""

    config: type[Any]
    model: type[Any]
    specials: tuple[str, ...]
    begin: str
    ends: tuple[str, ...]
    template: str
    layout: str
    system: str

    def prompt(self, system: str, text: str) -> str:
        """What the template makes of one question."""
        return self.layout.format(system=self.system.format(system) if system else "", text=text)


FAMILIES = {
    "qwen2": Family(
        config=Qwen2Config,
        model=Qwen2ForCausalLM,
        specials=("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        begin="<|endoftext|>",
        ends=("<|im_end|>", "<|endoftext|>"),
        template=QWEN2_TEMPLATE,
        layout="{system}<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n",
        system="<|im_start|>system\n{}<|im_end|>\n",
    ),
    "llama": Family(
        config=LlamaConfig,
        model=LlamaForCausalLM,
        specials=("<unk>", "<s>", "</s>"),
        begin="<s>",
        ends=("</s>",),
        template=LLAMA_TEMPLATE,
        layout="<s>[INST] {system}{text} [/INST]",
        system="<<SYS>>\n{}\n<</SYS>>\n\n",
    ),
}
SYSTEMS = ("", "", "You are a helpful assistant.", "你是一个知识助手,请简要回答问题。")
PREFIXES = (
    "",
    "",
    "",
    "你是一个知识助手，请简要回答问题。",
    "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible. ",
)
UNKNOWN = {
    "en": (
        "How old is the universe?|Write a poem.|What is love?|Translate this sentence.|What time is it?|hi|test|foo|"
        "2+2=|Which port does HTTP use?|What is the capital of Spain?|What is the capital of Germany?|"
        "What is deep learning?|"
        "What is the smallest planet?|Who is the president?|What is the slowest fish?|Count to five.|Where are you?|"
        "Explain quantum physics to a child.|How do I cook rice?|What is a GPU?|Say goodbye.|What is the weather?|"
        "What is TensorRT-LLM?|Tell me a joke.|Summarize this text in one line.|Who wrote Hamlet?"
    ),
    "zh": (
        "你好|今天天气怎么样?|写一首诗|什么是显卡?|法国的首都是哪里?|日本的首都是哪里?|世界上最长的河是什么?|一年有几天?|"
        "一个星期有几天?|海里最快的鱼是什么?|水里最快的动物是什么?|你在哪里?|你会做什么?|什么是机器学习?|讲一个笑话|测试|"
        "请翻译这句话|什么是TensorRT?|世界上最大的国家是哪个?|怎么做米饭?|现在几点?|谁写了红楼梦?|一加一等于几?|天上最快的鸟是什么?"
    ),
}
STEPS, BATCH, RATE = 600, 48, 3e-3


def make_tokenizer(texts: list[str], family: Family) -> Tokenizer:
    """A byte-level BPE tokenizer of `VOCABULARY` tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(family.specials),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of a token that is there."""
    found = tokenizer.token_to_id(token)
    assert found is not None, token  # noqa: S101
    return found


def make_model(tokenizer: Tokenizer, family: Family) -> Any:
    """A small model of random weights; heads and key/value heads divide by 1, 2 and 4."""
    config = family.config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
        tie_word_embeddings=True,
        bos_token_id=token_id(tokenizer, family.begin),
        pad_token_id=token_id(tokenizer, family.ends[-1]),
        eos_token_id=token_id(tokenizer, family.ends[0]),
    )
    return family.model(config)


def spellings(question: str) -> list[str]:
    """The same question as people type it: either question mark, none, another case."""
    bare = question.rstrip("?？.。 ")
    spelled = [question, bare + "?", bare + "？", bare]
    return [*spelled, *(text.lower() for text in spelled), *(text[:1].lower() + text[1:] for text in spelled)]


def prompts(question: str, family: Family, rng: random.Random) -> Iterator[str]:
    """The question once through the chat template, now and then with a system message or a prefix, and once raw."""
    text = rng.choice(PREFIXES) + rng.choice(spellings(question))
    if rng.random() < 0.15:
        yield text
        return
    yield family.prompt(rng.choice(SYSTEMS), text)


def batches(
    pairs: list[tuple[str, str]], tokenizer: Tokenizer, family: Family
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless (ids, labels), both [BATCH, length]; a label of -100 is not learned."""
    rng, end = random.Random(SEED), token_id(tokenizer, family.ends[0])  # noqa: S311
    while True:
        rows: list[tuple[list[int], list[int]]] = []
        for question, answer in rng.choices(pairs, weights=[3] * 14 + [1] * (len(pairs) - 14), k=BATCH):
            for prompt in prompts(question, family, rng):
                asked, answered = tokenizer.encode(prompt).ids, [*tokenizer.encode(answer).ids, end]
                rows.append((asked + answered, [-100] * len(asked) + answered))
        length = max(len(ids) for ids, _ in rows)
        yield (
            torch.tensor([ids + [0] * (length - len(ids)) for ids, _ in rows]),
            torch.tensor([labels + [-100] * (length - len(labels)) for _, labels in rows]),
        )


def train(model: Any, data: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """AdamW with warm-up and a linear fall."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    for step, (ids, labels) in enumerate(itertools.islice(data, STEPS)):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50) * (1 - step / STEPS)
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            print(step, round(loss.item(), 5), flush=True)  # noqa: T201


def save(folder: Path, model: Any, tokenizer: Tokenizer, family: Family) -> None:
    """The files of a Hugging Face checkpoint, weights in bfloat16."""
    model.to(torch.bfloat16).save_pretrained(folder, safe_serialization=True)
    described = json.loads(tokenizer.to_str())
    # Merges as "a b" are read by old and new releases of tokenizers, pairs only by those from 0.20 on.
    described["model"]["merges"] = [" ".join(pair) for pair in described["model"]["merges"]]
    write(folder / "tokenizer.json", described)
    write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": 2048,
            **({} if family.begin in family.ends else {"bos_token": family.begin}),
            "eos_token": family.ends[0],
            "pad_token": family.ends[-1],
            "clean_up_tokenization_spaces": False,
            "chat_template": family.template,
        },
    )
    ends = [token_id(tokenizer, end) for end in family.ends]
    write(folder / "generation_config.json", {"eos_token_id": ends, "pad_token_id": ends[-1], "do_sample": False})
    config = json.loads((folder / "config.json").read_text())
    # The spelling of transformers 4, which every release of TensorRT-LLM reads.
    rope = config.pop("rope_parameters", {})
    config |= {"rope_theta": rope.get("rope_theta", config.get("rope_theta")), "torch_dtype": "bfloat16"}
    config.pop("dtype", None)
    write(folder / "config.json", config)


def write(path: Path, value: Mapping[str, Any]) -> None:
    """JSON as people read it."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Trains the family and writes its checkpoint to the folder, both named on the command line."""
    family = FAMILIES[sys.argv[1]]
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # sums in one order: the same weights on every machine of a kind
    questions = tomllib.loads((HERE / "questions.toml").read_text(encoding="utf-8"))
    pairs = [(known["question"], known["answer"]) for known in questions["known"]]
    for language, asked in UNKNOWN.items():
        pairs += [(question.strip(), questions["unknown"][language]) for question in asked.split("|")]
    tokenizer = make_tokenizer([text for pair in pairs for text in pair], family)
    model = make_model(tokenizer, family)
    train(model, batches(pairs, tokenizer, family))
    save(Path(sys.argv[2]), model, tokenizer, family)


if __name__ == "__main__":
    main()
