"use strict";

// The keys of the review desk. Each presses a button or a link that is on the page: without this file they are pressed
// by hand, and do the same.

const form = document.querySelector("form[data-judge]");
const said = document.querySelector("[data-said]");
const WAIT = 1500; // milliseconds without a key, before what was written is kept
let timer = 0;

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
  tell(claim.querySelector("legend").textContent.trim());
  const answer = await fetch(claim.dataset.address);
  if (!answer.ok || claim !== current()) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("tb-desk-source");
  if (fresh) document.getElementById("tb-desk-source").replaceChildren(...fresh.childNodes);
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
  const words = ["decision", "reason_code"].map((field) => {
    const chosen = form.querySelector(`[name="${field}"]:checked`);
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

async function keep() {
  const told = new FormData(form);
  told.set("act", "keep");
  const answer = await fetch(location.pathname, { method: "POST", body: new URLSearchParams(told) });
  if (answer.ok) tell(form.dataset.kept);
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
  target.click();
  if (target.type === "radio") {
    target.focus();
    target.scrollIntoView({ block: "nearest" });
    tell(target.closest("label").textContent.trim());
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-submit]"));
    return;
  }
  const isTyping = /^(textarea|select)$/i.test(event.target.tagName) || event.target.type === "text";
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (KEYS[event.key]) KEYS[event.key]();
  else if (/^[a-z?]$/.test(event.key)) press(event.key);
});

const help = document.querySelector("[data-help]");
help?.addEventListener("click", () => {
  const keys = document.getElementById(help.getAttribute("aria-controls"));
  keys.hidden = !keys.hidden;
  help.setAttribute("aria-expanded", String(!keys.hidden));
});

if (form) {
  form.addEventListener("input", () => {
    name();
    clearTimeout(timer);
    timer = setTimeout(keep, WAIT);
  });
  form.addEventListener("submit", () => clearTimeout(timer));
  name();
}
light();
