// One key a line: v came, a absent, x excused, u undo. Each is stored at once; the button at the
// bottom stores what could not be. The page works without this file.
"use strict";
(() => {
  const form = document.getElementById("presences");
  if (!form) return;
  form.querySelector("[data-saves]").hidden = false;
  const told = document.querySelector("[data-told]");
  const pressed = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const later = new Map(); // line -> the key pressed while it was being stored
  let last = ""; // the line just marked
  document.addEventListener("keydown", (event) => { if (event.key === "j" || event.key === "k") last = ""; });
  const MARKED = { silent: ["to-validate", "expected"], came: ["came"], absent: ["absent"], excused: ["excused"] };

  const count = (state, by) => {
    const name = Object.keys(MARKED).find((one) => MARKED[one].includes(state));
    const place = document.querySelector(`[data-count="${name}"], [data-counts="${name}"] b`);
    if (!place) return;
    const lang = document.documentElement.lang;
    const number = Math.max(0, Number(place.textContent.replace(/\D/g, "")) + by);
    place.textContent = number.toLocaleString(lang);
    const word = place.parentElement.querySelector("[data-one]");
    if (word) word.textContent = number < 2 ? word.dataset.one : word.dataset.many;
    const tile = place.closest("[data-counts]");
    if (tile) tile.className = number ? "waiting" : "done";
  };

  const store = async (line) => {
    const id = line.dataset.line;
    const body = new URLSearchParams({ ligne: id });
    for (const name of ["jeton", "jour", "liste", "plusieurs"]) {
      const field = form.elements[name];
      if (field) body.set(name, field.value);
    }
    body.set(`vu_${id}`, line.querySelector(`[name="vu_${id}"]`).value);
    body.set(`p_${id}`, line.querySelector(`[name="p_${id}"]:checked`)?.value ?? "");
    line.setAttribute("data-waiting", "");
    try {
      const answer = await fetch(form.action, { method: "POST", body, redirect: "error" });
      const part = new DOMParser().parseFromString(`<table><tbody>${await answer.text()}</tbody></table>`, "text/html");
      const fresh = part.querySelector(`[data-line="${id}"]`);
      if (!fresh) throw new Error("no line");
      const before = line.dataset.state, after = fresh.dataset.state;
      if (line.hasAttribute("data-here")) fresh.setAttribute("data-here", "");
      const focused = line.contains(document.activeElement);
      line.replaceWith(document.adoptNode(fresh));
      if (focused) fresh.querySelector("[data-open]")?.focus({ preventScroll: true });
      if (before !== after) { count(before, -1); count(after, 1); }
      const key = later.get(id);
      later.delete(id);
      if (key) choose(fresh, key);
    } catch {
      later.delete(id);
      line.removeAttribute("data-waiting");
      line.classList.add("wrong");
      told.textContent = told.dataset.failed;
      told.className = "status problem";
    }
  };

  const choose = (line, key) => {
    if (line.hasAttribute("data-waiting")) { later.set(line.dataset.line, key); return; }
    const choice = line.querySelector(`[data-mark="${key}"]`);
    if (!choice || choice.checked) return;
    choice.checked = true;
    store(line);
  };

  const stand = (line) => {
    form.querySelector("[data-here]")?.removeAttribute("data-here");
    line.setAttribute("data-here", "");
    line.querySelector("[data-open]")?.focus({ preventScroll: true });
    line.scrollIntoView({ block: "nearest" });
  };

  // Undo is about the line just marked; about the one a person moved to since.
  const undo = (line) => {
    const wrong = (last && form.querySelector(`[data-line="${last}"]`)) || line;
    last = "";
    stand(wrong);
    choose(wrong, "u");
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !/^[vaxu]$/.test(event.key)) return;
    if (event.target.matches("input:not([type=radio]),select,textarea") || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    let line = form.querySelector("[data-here]");
    if (!line) { pressed("j"); line = form.querySelector("[data-here]"); }
    if (!line) return;
    if (event.key === "u") { undo(line); return; }
    choose(line, event.key);
    pressed("j");
    last = line.dataset.line;
  });

  // A click or a tap is stored at once as well.
  form.addEventListener("change", (event) => {
    const line = event.target.matches("[data-mark]") && event.target.closest("[data-line]");
    if (line && !line.hasAttribute("data-waiting")) store(line);
  });
})();
