"use strict";

// Looks at what is typed on the author's desk, as the button "Check" does, and shows what is said beside it. The fields
// themselves are never touched. Without this file the button does the same.

const PAUSE = 900; // milliseconds without a key
const form = document.querySelector("form[data-desk]");
let timer = 0;
let isAsking = false;
let isStale = false;
let isPressing = false; // nothing moves beneath a pointer that is down

function show(page) {
  if (isPressing) {
    timer = setTimeout(look, PAUSE);
    return;
  }
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh) continue;
    if (part.innerHTML !== fresh.innerHTML) part.replaceChildren(...fresh.childNodes);
    const field = document.getElementById(part.id.replace(/-said$/, ""));
    if (part.id.endsWith("-said") && field) {
      if ("wrong" in fresh.dataset) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }
}

async function look() {
  if (isAsking) {
    isStale = true;
    return;
  }
  isAsking = true;
  const told = new FormData(form);
  told.set("act", "check");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(told) });
    if (answer.ok && !answer.redirected) {
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
  } catch {
    // The server is away: what was said before stays, and the button tells.
  } finally {
    isAsking = false;
    if (isStale) {
      isStale = false;
      look();
    }
  }
}

for (const [name, is] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false], ["pageshow", false]]) {
  addEventListener(name, () => {
    isPressing = is;
  });
}

form.addEventListener("submit", () => {
  clearTimeout(timer);
  isPressing = true; // what comes now belongs to a page that goes
});

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE);
});

document.getElementById("tb-refusal")?.focus();
