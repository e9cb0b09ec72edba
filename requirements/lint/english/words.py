"""The words of the English pack: classes of words that the rules ask for. No rule is in here.

From ISO/IEC/IEEE 29148:2018 5.2.7 (superlatives, subjective language, vague adverbs and adjectives, loopholes,
open ends), the INCOSE Guide to Writing Requirements (R7 to R9, R34), and the words that business writing uses alike.
"""

from __future__ import annotations

from typing import Final


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


DETERMINERS: Final = word_set(
    """
    a an the each every all any no its their his her it them him this that these those our your my both either
    one two three at such another
    """
)
PREPOSITIONS: Final = word_set(
    """
    of in on at by for from with without to into onto over under within after before during until till since
    through via against between among across behind beside off out up down per than as towards toward upon about
    near along beyond except despite
    """
)
CONJUNCTIONS: Final = word_set("and or but nor so then")
SUBORDINATORS: Final = word_set(
    """
    if when whenever while where wherever unless until till after before once because that which who whom whose
    whether what how why although though since
    """
)
BE: Final = word_set("be is are was were been being remain remains stay stays keep become becomes")
LINKING: Final = BE | word_set(
    "sound sounds look looks feel feels seem seems appear appears prove find consider rate"
)
DEGREE: Final = word_set(
    """
    very too so quite rather fairly sufficiently reasonably adequately highly extremely more most as especially
    particularly really always not both consistently generally equally fully completely enough
    """
)

# Base forms that are hardly ever nouns.
PURE_VERBS: Final = word_set(
    """
    accept acknowledge activate adapt add adjust advise allow analyse analyze annotate announce anonymise
    anonymize append apply approve archive arrange ask assess assign attach authenticate authorise authorize
    avoid begin blur book bring build calculate cancel capture carry categorise categorize choose cite clarify
    classify clear close collect combine compare compile complete compress compute conceal confirm connect
    consider consult contain continue convert correct create decide declare decline decrypt deduct define delete
    deliver deny derive describe detect determine disable discard disclose discontinue distribute divide drop
    eject eliminate embed enable encrypt encourage enforce ensure enter erase escalate establish evaluate
    exclude execute expire explain expose extract fetch fill find finish follow forbid forward freeze generate
    get give go grant guarantee guide halt handle hash have hide highlight hold identify ignore inform initiate
    insert inspect install instruct invalidate invite invoke keep leave let locate logout maintain make manage
    mask measure merge minimise minimize migrate modify monitor move normalise normalize notify obtain offer
    omit open overwrite pass pause perform persist play populate preserve prevent prohibit propose protect prove
    provide publish purge put quarantine raise read receive recommend reconcile recover redact redirect refer
    refresh refund refuse register reject remain remember remind remove rename render reopen repeat replace
    reproduce require reroute reschedule reserve reset resolve respond restart restore restrict resume retain
    retrain retrieve revalidate revert revoke rewrite roll rotate run sanitise sanitize save select send
    separate serve settle show shut simulate skip specify start stay stop store submit substitute suggest
    summarise summarize suppress suspend switch synchronise synchronize take tell terminate throttle tokenise
    tokenize train transcribe transform translate transmit treat truncate try turn undo unlock update upload use
    validate verify wait warn withhold withdraw write countersign reissue rescan recalculate recompute rebook
    seal sound speak spell split strip wipe void weigh attribute lower dim dispatch disconnect deactivate
    calibrate certify commit comply conduct contribute cooperate cross-check dispose double-check eradicate
    exchange exempt expand facilitate finalise finalize fulfil fulfill hand inherit integrate investigate
    justify liaise mitigate negotiate notarise notarize observe optimise optimize oversee pseudonymise
    pseudonymize pursue rank re-run rerun redo reassess reassign reconfirm recruit regenerate reimburse
    reinstate reload relocate reply resend respect resubmit rollback safeguard segregate supply tabulate tag
    tally undergo unsubscribe upgrade vet visualise visualize admit greet thank apologise apologize paraphrase
    triage
    """
)
# Base forms that are nouns as often: they are verbs here where an object follows.
NOUN_VERBS: Final = word_set(
    """
    access act address alert allocate answer appeal assist attempt audit back backup balance block break cache
    call cause change charge check claim code collapse comment contact control copy cost count cover credit cut
    debit delay demand design display document double download draft draw dump duplicate edit end estimate
    export fail file filter fix flag focus force form format grade group guess help host import increase
    decrease index input interview invoice issue join judge label launch lead limit link list load lock log mail
    map mark match mention merge message mirror mute name need note number object offer order output pack page
    park patch pay permit pin place plan plot point poll post preview price print process produce profile
    program project prompt query question queue quote rate reach rebuild record reference register release
    repair reply report request research result retry return review reward route sample scan schedule score
    screen search secure set share ship sign signal sort stamp state step stream subject support survey tag
    target test time track trade transfer trigger view visit vote watch work attest extend sum round present
    subtract bill brief
    """
)
VERBS: Final = PURE_VERBS | NOUN_VERBS
IRREGULAR_PARTICIPLES: Final = word_set(
    """
    sent kept shown written held made taken given built put set read paid sold told found drawn run known seen
    chosen frozen hidden withdrawn rewritten overwritten done begun brought bought caught dealt fed left lost
    met rebuilt resent reset rerun said shut split spread sought taught understood undone undertaken wound cut
    hashed
    """
)
NOT_PARTICIPLES: Final = word_set(
    "need feed seed speed bed red shed embed bleed exceed proceed succeed breed"
)

TIME_UNITS: Final = word_set(
    """
    millisecond milliseconds ms second seconds s sec secs minute minutes min mins hour hours h hr hrs day days
    week weeks month months quarter quarters year years night nights morning mornings business working calendar
    monday tuesday wednesday thursday friday saturday sunday shift shifts
    """
)
FREQUENT: Final = word_set(
    """
    once twice daily weekly monthly quarterly yearly annually hourly nightly biweekly fortnightly half-yearly
    semi-annually annual
    """
)
NUMBER_WORDS: Final = word_set(
    """
    two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million half zero
    twenty-four forty-eight seventy-two thirty-six ninety-five ninety-nine two-thirds
    """
)
REFERENCES: Final = word_set(
    """
    rule rules list policy standard section article annex appendix table schedule checklist rubric template
    guideline guidelines procedure level clause regulation directive act iso wcag en nist rfc form set catalogue
    version scale definition glossary chapter paragraph rulebook baseline threshold criterion criteria class
    category
    """
)
# How much, without saying it: "degrade significantly".
AMOUNT_ADVERBS: Final = word_set(
    """
    significantly considerably substantially markedly noticeably drastically greatly slightly appreciably
    dramatically massively minimally
    """
)
# A bound that somebody will have to say: "the agreed threshold", "a sufficient time".
UNSAID: Final = word_set(
    """
    agreed predefined pre-defined specified certain given required configured minimum maximum target permitted
    allowed acceptable appropriate adequate sufficient reasonable tolerable suitable set desired expected usual
    normal stated defined critical preset prescribed predetermined contractual
    """
)
BOUNDARIES: Final = word_set(
    """
    threshold thresholds limit limits level levels period periods time times interval intervals value values
    number numbers rate rates margin margins tolerance tolerances target targets range ranges size duration
    amount amounts capacity memory bandwidth deadline deadlines frequency quota percentage share storage
    """
)
