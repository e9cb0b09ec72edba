"""A labelled set: sixteen concepts of twenty-four words each, English, none under two. Written for this project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

VERSION: Final = "concepts/1"
TEMPLATES: Final = (
    "I was thinking about {}",
    "The next entry on the list is {}",
    "They asked me to explain {}",
)

_WRITTEN: Final = """
animals: dog cat horse cow sheep goat rabbit mouse lion tiger wolf bear fox deer monkey elephant camel donkey
  snake frog shark whale eagle owl
colours: red blue green yellow purple black white brown pink grey violet crimson turquoise beige maroon indigo
  scarlet magenta teal amber ivory lavender olive navy
countries: France Germany Spain Italy Poland Sweden Norway Denmark Greece Turkey Egypt Kenya Nigeria India
  China Japan Vietnam Thailand Brazil Chile Peru Mexico Canada Australia
body parts: arm leg hand foot knee elbow shoulder neck finger toe nose ear mouth tongue chin cheek forehead
  wrist ankle hip rib spine thumb heel
food: bread cheese butter rice soup pasta salad cake pie sausage ham bacon honey jam pancake noodles porridge
  yogurt omelette biscuit sandwich pudding stew gravy
professions: teacher doctor nurse lawyer baker plumber carpenter farmer pilot sailor soldier engineer
  accountant butcher tailor dentist surgeon architect journalist librarian electrician mechanic waiter barber
emotions: anger joy fear sadness grief shame guilt pride envy jealousy delight disgust sorrow happiness
  despair anxiety boredom hope loneliness rage relief regret affection contempt
vehicles: car truck bus train bicycle motorcycle van tram taxi ambulance tractor scooter lorry helicopter
  airplane ship boat ferry canoe yacht submarine rocket sled wagon
instruments: violin piano guitar trumpet flute drum cello harp clarinet trombone saxophone banjo organ
  accordion oboe tuba mandolin ukulele bassoon xylophone harmonica viola tambourine lute
weather: rain snow wind storm fog hail thunder lightning sunshine drizzle frost mist hurricane tornado
  blizzard sleet drought breeze cloud humidity gale rainbow heatwave monsoon
clothes: shirt trousers jacket coat dress skirt hat scarf gloves socks shoes boots sweater tie belt jeans
  shorts apron cap sandals pyjamas blouse vest cardigan
metals and minerals: iron copper silver zinc lead tin nickel aluminium titanium platinum mercury cobalt
  tungsten uranium quartz granite marble limestone chromium bronze steel brass lithium magnesium
furniture: table chair sofa bed desk shelf cupboard wardrobe stool bench couch armchair bookcase drawer
  cabinet dresser mattress lamp rug curtain mirror cradle nightstand footstool
banking: loan mortgage deposit account interest credit debit overdraft savings cheque cash currency dividend
  bond equity collateral lender borrower repayment invoice transaction balance withdrawal remittance
illnesses: flu cold cancer diabetes asthma measles malaria cholera pneumonia bronchitis arthritis eczema
  anaemia epilepsy hepatitis tuberculosis leukemia dementia influenza smallpox migraine stroke obesity scurvy
programming: variable function compiler array string integer loop pointer recursion database server browser
  algorithm debugger syntax library kernel thread cache parser boolean framework repository interpreter
"""


def _read(written: str) -> dict[str, tuple[str, ...]]:
    """Return the words of each concept; a line that begins with blanks goes on with the one before."""
    lines = written.strip().replace("\n  ", " ").splitlines()
    parts = [line.partition(": ") for line in lines]
    return {name: tuple(words.split()) for name, _, words in parts}


CONCEPTS: Final[Mapping[str, tuple[str, ...]]] = _read(_WRITTEN)
