"use strict";

// The keys of the review desk. Each presses a button or a link that is on the page: without this file they are pressed
// by hand, and do the same.

const form = document.querySelector("form[data-judge]");
const said = document.querySelector("[data-said]");
const WAIT = 700; // milliseconds without a key, before what was written is kept
let timer = 0;
let isUnsaved = false;
let isLeaving = false; // what comes now belongs to a page that goes

const claims = () => [...document.querySelectorAll(".tb-judge-claim")];
const current = () => document.querySelector(".tb-judge-claim[aria-current]");

function tell(words) {
  if (said) said.textContent = words;
}

function light() {
  document.getElementById("tb-lit")?.scrollIntoView({ block: "center" });
}

// The middle pane, as an address shows it. What comes back too late for `isWanted` is dropped.
async function bring(address, isWanted) {
  const source = document.getElementById("tb-desk-source");
  const hadFocus = source.contains(document.activeElement);
  source.setAttribute("aria-busy", "true");
  let fresh = null;
  try {
    const answer = await fetch(address, { redirect: "error" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    fresh = page.getElementById("tb-desk-source");
  } catch {
    // Signed out, or the server is away: the pane says so.
  }
  if (!isWanted()) return;
  source.removeAttribute("aria-busy");
  if (fresh) {
    source.replaceChildren(...fresh.childNodes);
    history.replaceState(null, "", address);
  } else source.textContent = source.dataset.lost;
  if (hadFocus) source.focus({ preventScroll: true });
  source.scrollTop = 0;
  light();
}

let wanted = ""; // the address whose pane was asked for last

function lead(address) {
  wanted = address;
  return bring(address, () => wanted === address);
}

// A button that leads nowhere stays in its place, and says so.
function point(key, address) {
  const button = document.querySelector(`[data-key="${key}"]`);
  if (!button) return;
  for (const name of ["href", "role", "aria-disabled"]) button.removeAttribute(name);
  if (address) button.href = address;
  else {
    button.setAttribute("role", "link");
    button.setAttribute("aria-disabled", "true");
  }
}

function show(claim) {
  for (const one of claims()) {
    one.toggleAttribute("aria-current", one === claim);
    for (const choice of one.querySelectorAll("[data-choice]"))
      if (one === claim) choice.setAttribute("aria-keyshortcuts", choice.dataset.choice);
      else choice.removeAttribute("aria-keyshortcuts");
  }
  claim.setAttribute("aria-current", "true");
  point("p", claims()[claims().indexOf(claim) - 1]?.dataset.address);
  point("n", claims()[claims().indexOf(claim) + 1]?.dataset.address);
  claim.scrollIntoView({ block: "nearest" });
  tell(claim.querySelector("[data-title]").textContent.trim());
  document.getElementById("tb-desk-source").replaceChildren();
  return lead(claim.dataset.address);
}

const tabs = () => [...document.querySelectorAll("#tb-desk-source [data-tab]")];

function turnTo(tab) {
  for (const one of tabs()) one.removeAttribute("aria-current"); // at once, so that two presses are two steps
  tab.setAttribute("aria-current", "page");
  tell(tab.textContent.trim());
  return lead(tab.getAttribute("href"));
}

function tabBeside(by) {
  const next = tabs()[tabs().findIndex((one) => one.hasAttribute("aria-current")) + by];
  if (next) turnTo(next);
}

// The number of a claim in the answer leads to the claim.
document.addEventListener("click", (event) => {
  const number = event.target.closest('a[href^="#claim-"]')?.hash.slice("#claim-".length);
  const claim = number && claims().find((one) => new URL(one.dataset.address, location).searchParams.get("claim") === number);
  if (!claim) return;
  event.preventDefault();
  show(claim);
});

// A link of the pane to the pane leaves what is being written as it is.
document.getElementById("tb-desk-source")?.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || link.dataset.key || link.pathname !== location.pathname) return;
  event.preventDefault();
  if (link.hasAttribute("data-tab")) turnTo(link);
  else lead(link.getAttribute("href"));
});

function step(by) {
  const all = claims();
  const next = all[all.indexOf(current()) + by];
  if (next) show(next);
}

function choose(number) {
  const choice = current()?.querySelector(`[data-choice="${number}"]`);
  if (!choice) return;
  choice.click();
  tell(choice.parentElement.querySelector("[data-word]").textContent.trim());
}

function turn() {
  const source = document.getElementById("tb-desk-source");
  const judgement = document.getElementById("tb-desk-judgement");
  const next = source.contains(document.activeElement) ? judgement : source;
  next.focus();
  tell(next.getAttribute("aria-label"));
  light();
}

// The button says what it will do.
function name() {
  const words = ["[name='decision']", "[name^='reason']"].map((field) => {
    const chosen = form.querySelector(`${field}:checked`); // nothing where it is not asked
    return chosen?.closest("label").querySelector("[data-word]").textContent;
  });
  const [decision, reason] = words;
  if (!decision) return;
  const isReasoned = reason && !form.querySelector('[value="approve"]:checked');
  form.querySelector("[data-submit]").textContent = form.dataset.record.replace(
    "%s",
    isReasoned ? `${decision}: ${reason}` : decision,
  );
}

function written() {
  const told = new FormData(form);
  told.set("act", "keep");
  const headers = { Accept: "application/problem+json, text/html;q=0.9" }; // a refusal by its code
  return { method: "POST", body: new URLSearchParams(told), redirect: "error", headers };
}

const FORBIDDEN = ["not_found", "permission_denied", "access_denied"];

// What is said of an answer that saved nothing: the words of a refusal are those of the page.
function refusal(answer, words) {
  const kind = answer.headers.get("Content-Type") ?? "";
  if (kind.startsWith("text/plain")) return form.dataset.refused.replace("%s", () => words);
  const isForbidden = kind.startsWith("application/problem+json") && FORBIDDEN.includes(JSON.parse(words).code);
  return isForbidden ? form.dataset.forbidden : form.dataset.lost;
}

async function keep() {
  if (isLeaving) return;
  isUnsaved = false;
  let difference = null;
  let why = form.dataset.lost;
  try {
    const answer = await fetch(location.pathname, written());
    const words = await answer.text();
    if (answer.ok) difference = new DOMParser().parseFromString(words, "text/html").body;
    else why = refusal(answer, words);
  } catch {
    // As above.
  }
  if (isLeaving) return;
  tell(difference ? form.dataset.kept : why);
  if (difference && !isUnsaved) form.querySelector("[data-difference]").replaceChildren(...difference.childNodes);
}

// What some buttons do here, in place of opening their address.
const DOES = {
  n: () => step(1),
  p: () => step(-1),
  o: turn,
  "[": () => tabBeside(-1),
  "]": () => tabBeside(1),
};

document.addEventListener("click", (event) => {
  const act = DOES[event.target.closest("[data-key]")?.dataset.key];
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!act || !isPlain) return;
  event.preventDefault();
  act();
});

function press(key) {
  const target = document.querySelector(`[data-key="${key}"]`);
  if (!target) return;
  if (target.type === "search") {
    target.focus();
    return;
  }
  if (target.matches(":disabled")) {
    tell(target.closest("[data-held]")?.dataset.held ?? "");
    return;
  }
  target.click();
  if (target.type === "radio") {
    target.focus();
    target.scrollIntoView({ block: "nearest" });
    tell(target.closest("label").textContent.replace(/\s+/g, " ").trim());
  }
}

const areOn = document.getElementById("tb-keys-on");
const OFF = "tracebinder-desk-keys-off";
if (areOn) {
  areOn.checked = localStorage.getItem(OFF) === null;
  areOn.addEventListener("change", () => {
    if (areOn.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || isLeaving) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-submit]"));
    return;
  }
  const isTyping = /^(textarea|select)$/i.test(event.target.tagName) || /^(text|search)$/.test(event.target.type);
  const isBracket = /^[[\]]$/.test(event.key) && event.getModifierState("AltGraph"); // as many keyboards have it
  const isChord = (event.ctrlKey || event.metaKey || event.altKey) && !isBracket;
  if (isTyping || isChord || (areOn && !areOn.checked)) return;
  const key = event.key.toLowerCase();
  if (/^[1-3]$/.test(key)) choose(key);
  else if (/^[a-z?/[\]]$/.test(key) && document.querySelector(`[data-key="${key}"]`)) {
    event.preventDefault(); // a key that puts the focus into a field is no letter of it
    press(key);
  }
});

// The way back: the answers that were in hand in this tab of the browser, the last at the end.
const behind = document.querySelector("[data-behind]");
const TRAIL = "tracebinder-desk-trail";
const MOST_BEHIND = 50;
if (behind) {
  const here = behind.dataset.behind;
  const trail = JSON.parse(sessionStorage.getItem(TRAIL) ?? "[]").filter((address) => address !== here);
  if (trail.length) point("k", trail.at(-1));
  sessionStorage.setItem(TRAIL, JSON.stringify([...trail, here].slice(-MOST_BEHIND)));
}

const help = document.querySelector("[data-help]");
help?.removeAttribute("hidden");
help?.addEventListener("click", () => {
  const keys = document.getElementById(help.getAttribute("aria-controls"));
  keys.hidden = !keys.hidden;
  help.setAttribute("aria-expanded", String(!keys.hidden));
  tell(keys.hidden ? "" : help.firstChild.textContent.trim());
});

if (form) {
  form.addEventListener("input", () => {
    name();
    isUnsaved = true;
    clearTimeout(timer);
    timer = setTimeout(keep, WAIT);
  });
  addEventListener("pagehide", () => {
    if (isUnsaved && !isLeaving) fetch(location.pathname, { ...written(), keepalive: true });
  });
  form.addEventListener("submit", (event) => {
    if (isLeaving) event.preventDefault();
    clearTimeout(timer);
    isLeaving = true;
  });
  addEventListener("pageshow", () => {
    isLeaving = false;
  });
  name();
}
light();
