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

async function show(claim) {
  for (const one of claims()) one.toggleAttribute("aria-current", one === claim);
  claim.setAttribute("aria-current", "true");
  claim.scrollIntoView({ block: "nearest" });
  tell(claim.querySelector("[data-title]").textContent.trim());
  const source = document.getElementById("tb-desk-source");
  source.replaceChildren();
  let fresh = null;
  try {
    const answer = await fetch(claim.dataset.address, { redirect: "error" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    fresh = page.getElementById("tb-desk-source");
  } catch {
    // Signed out, or the server is away: the pane says so.
  }
  if (claim !== current()) return;
  if (fresh) source.replaceChildren(...fresh.childNodes);
  else source.textContent = source.dataset.lost;
  light();
}

function step(by) {
  const all = claims();
  const next = all[all.indexOf(current()) + by];
  if (next) show(next);
}

function choose(number) {
  const choice = current()?.querySelector(`[data-choice="${number}"]`);
  if (!choice) return;
  choice.click();
  tell(choice.parentElement.textContent.trim());
}

function turn() {
  const source = document.getElementById("tb-desk-source");
  const judgement = document.getElementById("tb-desk-judgement");
  (source.contains(document.activeElement) ? judgement : source).focus();
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
  return { method: "POST", body: new URLSearchParams(told), redirect: "error" };
}

async function keep() {
  if (isLeaving) return;
  isUnsaved = false;
  let difference = null;
  try {
    const answer = await fetch(location.pathname, written());
    if (answer.ok) difference = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  } catch {
    // As above.
  }
  if (isLeaving) return;
  tell(difference ? form.dataset.kept : form.dataset.lost);
  if (difference && !isUnsaved) form.querySelector("[data-difference]").replaceChildren(...difference.childNodes);
}

const KEYS = {
  n: () => step(1),
  p: () => step(-1),
  o: turn,
  1: () => choose(1),
  2: () => choose(2),
  3: () => choose(3),
};

function press(key) {
  const target = document.querySelector(`[data-key="${key}"]`);
  if (!target) return;
  if (target.type === "search") {
    target.focus();
    return;
  }
  target.click();
  if (target.type === "radio") {
    target.focus();
    target.scrollIntoView({ block: "nearest" });
    tell(target.closest("label").textContent.trim());
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
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || (areOn && !areOn.checked)) return;
  const key = event.key.toLowerCase();
  if (KEYS[key]) KEYS[key]();
  else if (/^[a-z?/]$/.test(key) && document.querySelector(`[data-key="${key}"]`)) {
    event.preventDefault(); // a key that puts the focus into a field is no letter of it
    press(key);
  }
});

const help = document.querySelector("[data-help]");
help?.removeAttribute("hidden");
help?.addEventListener("click", () => {
  const keys = document.getElementById(help.getAttribute("aria-controls"));
  keys.hidden = !keys.hidden;
  help.setAttribute("aria-expanded", String(!keys.hidden));
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
