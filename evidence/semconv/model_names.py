"""One model has one key, whatever the library calls it: `gpt-4o`, `gpt-4o-2024-08-06`, `openai/gpt-4o`.

The key is the family as its provider released it, the label the dated snapshot. Only what says nothing of the model is
taken away: the route to it and the date at the end. A size, a generation, a fine-tune, a quantisation, an organisation
that publishes weights of its own stay: models that differ are never one key.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

# Of providers and gateways that serve these models under the provider's own names. Not here: an organisation of a hub,
# whose weights of the same name are others (`acme/llama-3`), and what names a deployment and no model (`azure/`).
_ROUTES: Final = re.compile(
    r"^(?:(?:openrouter|litellm_proxy|vertex_ai|vertexai|bedrock|openai|anthropic|google|gemini|mistral|cohere|xai|x-ai"
    r"|models|publishers/[a-z]+/models)[/:])+",
)
_BEDROCK: Final = re.compile(
    r"^(?:(?:us|eu|apac|global|us-gov)\.)?(?:anthropic|amazon|cohere|mistral)\.(?=[a-z].*-v\d+(?::\d+)?$)"
)
_BEDROCK_REVISION: Final = re.compile(r"-v\d+(?::\d+)?$")
_DATE: Final = re.compile(
    r"[-@](?:20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$"
)
_FINE_TUNED: Final = "ft:"


class ModelName(NamedTuple):
    """A model's family and, where the name says it, its snapshot; empty where it does not."""

    key: str
    snapshot: str


@lru_cache(maxsize=1024)  # a few names come again and again, each of 200 characters at most
def read_model_name(name: str) -> ModelName:
    """Return which model a name means."""
    plain = _ROUTES.sub("", name) or name
    if plain.startswith(_FINE_TUNED):
        return ModelName(plain, "")
    served = _BEDROCK.sub("", plain)
    dated = _BEDROCK_REVISION.sub("", served) if served != plain else served
    family = _DATE.sub("", dated)
    return ModelName(family, plain) if family and family != dated else ModelName(plain, "")
