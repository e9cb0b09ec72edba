"use strict";

// A field that completes what is typed is drawn by a widget that has no name of its own: it is given its label's.

function nameWidgets() {
  for (const field of document.querySelectorAll("select.admin-autocomplete")) {
    const words = field.labels[0]?.textContent.replace(/:\s*$/, "").trim();
    const drawn = field.nextElementSibling;
    if (!words || !drawn) continue;
    for (const part of drawn.querySelectorAll("[role='combobox'], [role='textbox']")) {
      part.setAttribute("aria-label", words);
      part.removeAttribute("aria-labelledby");
    }
  }
}

// The widget is drawn by a task that the page's own scripts put off: this one comes after it.
addEventListener("load", () => setTimeout(nameWidgets));
