// Brings the parts marked data-live up to date without touching what one types, reads or has
// focused. Without it the page reloads itself (or offers to), and nothing is missing.
"use strict";

const SECONDS = 3;

function merge(old, fresh) {
  const known = new Map([...old.children].map((child) => [child.id, child]));
  let place = old.firstElementChild;
  for (const child of [...fresh.children]) {
    const mine = known.get(child.id);
    const keep = mine && (mine.isEqualNode(child) || mine.contains(document.activeElement));
    const next = keep ? mine : child;
    if (next === place) {
      place = place.nextElementSibling;
    } else {
      old.insertBefore(next, place);
      if (mine && !keep) {
        if (mine === place) place = place.nextElementSibling;
        mine.remove();
      }
    }
  }
  while (place) {
    const gone = place;
    place = place.nextElementSibling;
    gone.remove();
  }
}

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const made = fresh.getElementById(old.id);
    if (!made) continue;
    if (old.tagName === "OL") merge(old, made);
    else if (!old.contains(document.activeElement) && !old.isEqualNode(made)) old.replaceWith(made);
  }
}

setInterval(() => refresh().catch(() => {}), SECONDS * 1000);
