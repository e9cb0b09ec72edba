"""Words of unmeasured quality in English, by where they are one."""

from __future__ import annotations

from typing import Final

from requirements.lint.english.reading import Phrases
from requirements.lint.english.words import word_set

# A quality wherever it stands, unless it is part of a term below.
ALWAYS: Final = word_set(
    """
    acceptable adequate amicable appealing appropriate attractive beautiful bug-free coherent comfortable
    compelling competent comprehensible comprehensive convenient convincing courteous customer-friendly
    cutting-edge decent dependable discriminatory easy-to-use effective efficient effortless elegant empathetic
    empathic engaging enhanced enjoyable error-free ethical excellent exceptional expedient explainable
    extensible fair-minded fault-free flawless flexible foolproof frictionless friendly future-proof gentle good
    graceful great harmless helpful high-performing high-performance high-quality human-friendly humane
    impartial inappropriate inadequate innovative insightful intelligible interpretable intuitive judicious
    legible lightweight maintainable meaningful misleading modern modular nice non-discriminatory optimal
    optimum optimized optimised painless performant pleasant polite polished powerful practicable practical
    presentable proper proportionate prudent readable realistic reasonable reliable representative reputable
    resilient respectful responsive robust satisfactory satisfying scalable seamless self-explanatory sensible
    sleek smart smooth sophisticated state-of-the-art straightforward streamlined sufficient suitable superior
    sustainable tactful tasteful thorough thoughtful tidy transparent trouble-free trusted trustworthy truthful
    typical unambiguous unbiased understandable undue unfair unreasonable unsuitable up-to-standard usable
    useful user-centred user-centric user-friendly valuable versatile viable well-designed well-documented
    well-structured well-written welcoming world-class worthwhile well-organised well-organized customer-centric
    considerate diligent best-in-class first-class top-quality hassle-free jargon-free plain-language
    easy-to-read easy-to-understand mature ergonomic inclusive rude offensive insulting hostile condescending
    confusing annoying intrusive cluttered cumbersome unnatural disturbing sloppy patronising patronizing
    manipulative deceptive pushy irritating reassuring faithful skilful skillful mindful motivated knowledgeable
    experienced affordable lean savvy memorable lovable delightful lively vivid succinct dignified nuanced
    personable personalised unnecessary unneeded superfluous aesthetic catchy crisp compact bulletproof
    plausible approximate
    """
)
# A quality where something is said to be so ("must be clear") or where it is graded ("very clear").
PREDICATE: Final = word_set(
    """
    accessible accountable accurate adaptable adaptive affordable agile ambitious auditable balanced biased bad
    better best calm careful cautious clean clear clever compatible complete compliant concise configurable
    consistent contestable controllable correct credible critical detailed deterministic diverse durable easy
    economical equitable evident exact expandable extendable fair familiar fluent formal fun enjoyable
    functional generic genuine grammatical healthy high-end honest human important informal informative
    interoperable interactive intelligent just lawful logical manageable minimal natural neat neutral normal
    objective obvious ordinary orderly personal plain portable positive precise predictable private productive
    professional prominent prudent rational relevant responsible reusable right rigorous safe sane secure
    self-contained sensitive serious simple sincere solid sound specific stable standard straight strict strong
    structured stylish supportive sympathetic tamper-proof tamper-resistant testable traceable understood useful
    verifiable warm wise workable worse advanced sophisticated user-oriented
    """
)
# Said of these, a word of PREDICATE is a quality too: "a clear explanation", "in a secure way".
ABSTRACT_NOUNS: Final = word_set(
    """
    advice answer answers approach assistance attitude behavior behaviour care code communication content
    conversation conversations data decision decisions design dialogue dialogues documentation effort efforts
    environment error errors experience explanation explanations fashion feedback form format guidance handling
    help information input instructions interaction interactions interface interfaces justification
    justifications language layout level logic look manner means measures message messages method methods mode
    navigation output outputs overview performance phrasing practice practices predictions presentation process
    processes quality reasoning reasons recommendation recommendations reply replies response responses result
    results sentences service services software solution state steps structure style suggestions summaries
    summary support system technology terms text texts tone treatment use user-interface visualisation
    visualisations voice way ways wording words work outcome outcomes
    """
)
# "All important events": who says which are?
ATTRIBUTIVE: Final = word_set(
    """
    important relevant significant essential necessary key main major pertinent crucial useful interesting
    typical common usual ordinary unusual normal professional clear simple better best good bad poor careful
    natural advanced intelligent modern accurate correct complete precise consistent informative detailed
    extensive special complex sensible applicable mainstream popular prevailing
    """
)
ATTRIBUTED_NOUNS: Final = ABSTRACT_NOUNS | word_set(
    """
    aspects cases changes circumstances conditions details developments documents events exceptions facts
    factors features findings functions issues items matters parameters parties persons people points parts
    precautions problems questions queries requests requirements risks roles rules safeguards situations
    stakeholders sources topics users tasks words actions arrangements controls fields skills training knowledge
    context employees staff deviations incidents operations information formats browsers devices platforms laws
    law regulation regulations legislation standards provisions guidelines norms obligations languages
    """
)
# Nouns of quality: a demand where somebody is to ensure, have or show them.
NOUNS: Final = word_set(
    """
    accuracy accountability auditability clarity compliance comprehensibility confidentiality consistency
    correctness courtesy diligence dignity ease effectiveness efficiency empathy equality ethics excellence
    explainability extensibility fairness flexibility friendliness harmlessness helpfulness honesty impartiality
    integrity interoperability interpretability intuitiveness maintainability modularity neutrality objectivity
    oversight performance politeness portability precision professionalism quality readability relevance
    reliability resilience responsibility responsiveness robustness safety satisfaction scalability security
    sensitivity simplicity stability sustainability tact trust traceability transparency trustworthiness
    truthfulness usability usefulness user-friendliness wellbeing well-being
    """
)
ENSURING: Final = word_set(
    """
    ensure ensures ensuring guarantee guarantees provide provides offer offers have has possess possesses
    exhibit exhibits show shows demonstrate demonstrates promote promotes maintain achieve achieves deliver
    support foster increase improve improves enhance strengthen preserve assure exercise display reflect
    safeguard enable convey respect apply
    """
)
# A noun of quality before one of these is a name: "the fairness report".
THINGS: Final = word_set(
    """
    report reports test tests testing metric metrics score scores suite suites gate gates team officer officers
    check checks review reviews statement statements policy policies rule rules rating ratings survey surveys
    class index level levels committee board audit audits assessment assessments code codes number numbers card
    cards note notes briefing video notice label labels certificate certificates stock margin factor data sheet
    sheets department question questions token tokens threshold thresholds criterion criteria case cases log
    logs dashboard page pages event events incident incidents module service services desk manual catalogue
    contact setting settings list lead engineer engineers manager managers update updates patch patches feature
    features guard guards
    """
)
# Of manner: how would one tell that it was not so? Others in -ly are judged by their ending.
ADVERBS_NOT_OF_MANNER: Final = word_set(
    """
    only automatically daily weekly monthly yearly quarterly hourly nightly annually biweekly fortnightly
    exactly directly separately manually individually independently randomly uniquely electronically digitally
    publicly internally externally locally remotely anonymously explicitly newly early likely family supply
    reply apply comply rely multiply imply fly ally assembly anomaly monopoly july italy solely entirely fully
    completely concurrently simultaneously sequentially respectively previously subsequently currently initially
    finally lately orally verbally partially partly permanently irreversibly irrevocably cryptographically
    alphabetically chronologically numerically jointly severally mutually physically logically mechanically
    visually audibly silently equally originally centrally globally legally contractually financially medically
    clinically technically geographically horizontally vertically temporarily provisionally conditionally
    unconditionally incrementally cumulatively recursively strictly merely really possibly probably presumably
    certainly nearly wholly exclusively specifically namely immediately quickly promptly rapidly swiftly shortly
    regularly frequently periodically instantly instantaneously rarely constantly continuously continually
    recently timely occasionally seldomly speedily hurriedly sporadically preferably ideally hopefully mostly
    highly widely mainly bully belly jelly doubly triply singly inversely proportionally linearly asynchronously
    synchronously privately personally collectively domestically nationally internationally federally
    statistically mathematically empirically formally officially nominally identically differently similarly
    likewise accordingly otherwise deliberately knowingly intentionally unintentionally accidentally falsely
    wrongly mistakenly correspondingly alternately alternatively additionally consecutively successively
    retrospectively prospectively retroactively actively passively visibly invisibly biometrically socially
    thermally electrically hydraulically chemically biologically genetically elderly costly unfriendly ugly
    lonely lovely lively curly homely hilly holly folly tally rally butterfly twofold bodily ghastly weakly
    half-yearly slowly
    """
)
QUALITY_ADVERBS: Final = word_set(
    """
    normally generally usually typically largely commonly approximately roughly professionally optimally
    minimally naturally ethically realistically holistically well rationally
    """
)
# Ways out: "wherever feasible", "so far as practicable".
_WAYS_OUT: Final = ";".join(
    f"{when} {what}"
    for when in ("where", "wherever", "when", "whenever", "if", "insofar as", "so far as", "inasmuch as")
    for what in (
        "possible",
        "feasible",
        "practicable",
        "practical",
        "appropriate",
        "reasonable",
        "convenient",
        "suitable",
    )
)
PHRASES: Final = Phrases.of(
    _WAYS_OUT
    + """;
    best practice; best practices; best interest; best interests; make sense; makes sense; suited to;
    suited for; well suited; due regard; due account; due consideration; pay attention; take care;
    bear in mind; good practice; good practices; industry standard; industry standards; market standard;
    market standards; common practice; usual practice; everyday language; into account; good overview;
    avoid confusion; in line with expectations; meet expectations; meets expectations; user needs;
    business needs; customer needs; needs of; expectations of; to the satisfaction; state of the art; due care;
    ease of use; look and feel; where applicable; where necessary; where needed; where relevant;
    wherever necessary; when necessary; when needed; if necessary; if needed; if required; if applicable;
    as appropriate; as applicable; as necessary; as needed;
    as required; as far as; as much as possible; as little as possible; as well as possible;
    as many as possible; to the extent; whenever necessary;
    unless impractical; in most cases; in general; in principle; under normal; and so on; and so forth;
    and the like; and others; or similar; or the like; such as needed; common sense; good quality;
    high quality; key points; key facts; key information; key aspects; sound natural; sounds natural;
    plain language; with care; with respect; with dignity; in good faith; as expected; as intended; works well;
    work well; well structured; well designed; well documented; well informed; well trained; well written;
    easy to; simple to; hard to; difficult to; at a glance; of good; user experience; not limited to;
    among others; inter alia; reasonable effort; reasonable efforts; minimise the risk; minimize the risk;
    peace of mind; human error; at best; at ease; on the whole; in an orderly; necessary measures;
    necessary steps; at an acceptable; to a high standard; to high standards; without problems;
    without difficulty; without effort; without friction; without issues; up to standard; highest standard;
    highest standards; highest quality; high standards; highest possible; highest level; best possible;
    highest degree; lowest possible; greatest possible; state of the; up to scratch; fit for purpose;
    in a timely and; adequately sized; as best; bias free; free of bias; free from bias; free of errors;
    free from errors; high standard of; high standards of; high degree of; high level of; high levels of;
    human oversight
    """
)
OPEN_ENDED: Final = word_set("etc")
# Terms in which such a word is part of a name or of a fixed expression.
TERMS: Final = Phrases.of(
    """
    responsible for; safe deposit; fair value; fair lending; fair processing; fair dealing; fair copy;
    best execution; best before; best bid; best price; best rate; best offer; best match; appropriate adult;
    reasonable adjustment; reasonable adjustments; reasonable suspicion; reasonable doubt; good faith estimate;
    good till; goods; clean desk; clear text; plain text; clear desk; clear sky; correct answer;
    correct answers; smart card; smart cards; smart meter; smart meters; smart contract; smart contracts;
    smart phone; significant figures; significant digits; significant figure; significant digit;
    standard operating; normal range; normal value; normal values; normal form; normal hours; normal working;
    normal distribution; normal course; key version; key results; key performance; efficient frontier;
    robust standard; undue influence; fair use; great britain; great circle; common name; common names;
    common reporting; special category; special categories; main menu; main contract; main page; main account;
    main branch; major incident; major incidents; simple interest; simple majority; simple random;
    representative office; representative apr; sales representative; legal representative;
    customer representative; service representative; authorised representative; authorized representative;
    effective date; effective dates; effective rate; effective interest; effective annual; effective from;
    effective as; effective on; effective version; proper noun; proper nouns; proper name; practical exam;
    good friday; key account; trusted list; trusted contact; trusted device; trusted devices; trusted network;
    trusted third; trusted timestamp; trusted domain; sound file; sound level; sufficient funds;
    natural person; natural persons; natural gas; natural language; modern slavery; well known; as well;
    well as; oil well; compact disc; friendly fire; friendly name; useful life; mature student; maturity;
    secure inbox; secure enclave; modular exam; complex number; extended warranty; responsible party;
    undue delay; smooth muscle; transparent background; personal data; normal price; high quality gate;
    flexible working; flexible benefits; flexible hours; flexible spending; representative sample of;
    typical example; adequate yearly; suitable for vegetarians; approximate match; approximate matching;
    efficient market; gentle reminder; great lakes; good standing; good conduct; good manufacturing;
    good clinical; good laboratory; good distribution; acceptable use; proper motion; decent work; fair trade;
    responsible person; responsible team; responsible officer; resilient flooring; thorough examination;
    excellent grade; optimal character; sustainable finance; sustainable development; sustainability report;
    ethical hacker; ethical hackers; ethics committee; meaningful use
    """
)
# Endings of adjectives that say a quality, and those with such an ending that do not.
QUALITY_ENDINGS: Final = (
    "able",
    "ible",
    "ful",
    "ous",
    "ive",
    "ent",
    "ant",
    "ic",
    "al",
    "less",
    "some",
    "ish",
    "friendly",
    "worthy",
    "proof",
)
NEGATIONS: Final = ("un", "in", "im", "ir", "il", "dis", "non-", "over")
FACTUAL: Final = word_set(
    """
    able unable available unavailable visible invisible editable printable downloadable clickable searchable
    selectable payable receivable liable applicable inapplicable variable taxable deductible eligible ineligible
    refundable non-refundable transferable reversible irreversible revocable irrevocable removable cancellable
    cancelable chargeable table cable disposable addressable reachable unreachable executable callable
    retrievable recoverable reproducible identifiable non-identifiable re-identifiable scannable negotiable
    admissible inadmissible collapsible convertible divisible bible possible impossible anonymous pseudonymous
    previous simultaneous continuous synchronous asynchronous autonomous contiguous consecutive synonymous
    instantaneous erroneous hazardous dangerous poisonous various numerous famous vacuous homogeneous
    heterogeneous full successful unsuccessful lawful unlawful harmful half-full sortable filterable resizable
    scrollable playable viewable expandable disable enable configurable mutable immutable cacheable loadable
    programmable detachable wearable portable rechargeable bookable redeemable enforceable unenforceable
    insurable uninsurable billable attributable assignable excludable nullable queryable countable uncountable
    measurable computable decidable separable distinguishable indistinguishable unrecoverable untraceable
    undeliverable active inactive positive negative exclusive native cumulative additive alive live sensitive
    five passive retroactive prospective respective relative alternative administrative legislative executive
    present absent different equivalent independent permanent current dependent constant redundant resident
    patient client agent consent content document department percent event parent student treatment payment
    statement environment recipient component instrument incident urgent subsequent concurrent recurrent
    idempotent deferent lent applicant participant assistant merchant tenant consultant defendant plant grant
    variant invariant attendant accountant distant automatic electronic numeric alphanumeric public static
    dynamic atomic alphabetic domestic specific periodic synthetic cryptographic symmetric asymmetric
    deterministic topic metric traffic monotonic biometric academic historic arithmetic stochastic elastic
    plastic metallic magnetic electric photographic geographic diagnostic equal unequal final manual digital
    internal external legal total local global optional vertical horizontal identical numerical decimal annual
    original official confidential residential sequential medical national international bilingual multilingual
    virtual physical refusal approval proposal portal appeal renewal withdrawal arrival referral terminal
    principal capital individual serial parallel initial partial bidirectional unidirectional proportional
    conditional unconditional operational functional textual visual oral verbal formal categorical ordinal
    cardinal hierarchical chronological canonical federal regional personal commercial mutual stateless wireless
    paperless cashless contactless passwordless serverless headless homeless unless lossless nevertheless
    english danish finnish swedish spanish turkish irish polish british publish fireproof waterproof
    """
)
