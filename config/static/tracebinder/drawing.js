"use strict";

// A drawing that is wider than its place begins with the record it is drawn for in the middle of what is seen. Without
// this file it begins at its left edge.

function showRecord(figure) {
  const record = figure.querySelector("[aria-current]")?.getBoundingClientRect();
  if (!record) return;
  const seen = figure.getBoundingClientRect();
  figure.scrollLeft += record.left + record.width / 2 - (seen.left + seen.width / 2);
}

document.querySelectorAll(".tb-figure--kept").forEach(showRecord);
