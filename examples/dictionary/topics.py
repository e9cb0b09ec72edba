"""What the model is asked to write about, and how: chosen to be unlike each other."""

from __future__ import annotations

from typing import Final

FORMS: Final = ("Write a short encyclopedia entry about {}.", "Tell a short story in which {} matters.")
TOPICS: Final = (
    "mountains", "the heart", "bread", "a lost key", "interest rates", "photosynthesis", "the violin",
    "a railway station", "sorting numbers in Python", "the French Revolution", "rain", "a birthday party",
    "whales", "the moon", "glass", "honesty", "chess", "a broken computer", "vaccines", "the colour blue",
    "gold", "a wedding", "football", "salt", "the Roman Empire", "bees", "a bank account", "rivers",
    "electricity", "a job interview", "the number seven", "horses", "poetry", "a hospital at night",
    "volcanoes", "a letter from home", "money laundering", "tea", "the alphabet", "winter", "a bridge",
    "democracy", "cats and dogs", "an SQL query", "the stomach", "maps", "a court case", "the ocean floor",
    "oil", "sleep", "a garden in spring", "robots", "the price of houses", "a football match on Sunday",
    "iron and steel", "an airport", "grief", "fractions", "a credit card", "the Amazon forest",
    "a recipe for soup", "earthquakes", "a password", "the history of paper", "taxes", "a thunderstorm",
    "the trumpet", "a HTML page", "kings and queens", "a train to Berlin",
)  # fmt: skip
