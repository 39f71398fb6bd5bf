// Writing a template or a sheet: the preview follows the typing, the draft saves itself. The page works
// without this file: every button of its form does the same, with a page in between.
"use strict";
(() => {
  const form = document.querySelector("[data-editor]");
  if (!form) return;
  const panel = document.getElementById("apercu");
  const saved = document.getElementById("enregistre");
  const text = form.elements.texte;
  let asked = 0, shown, kept, saving = true, last = content();

  function content() {
    const told = [...form.elements].filter((one) => one.name && one.type !== "hidden" && one.tagName !== "BUTTON");
    return told.map((one) => (one.type === "checkbox" ? one.checked : one.value)).join("\u001f");
  }

  // What is new has a name first, and the name is being typed while its field has the focus.
  const unnamed = () => form.elements.name && !form.elements.name.readOnly
    && (!form.elements.name.value || document.activeElement === form.elements.name);

  const send = (address) => fetch(address, { method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin" });

  const look = async () => {
    const mine = ++asked;
    const open = [...panel.querySelectorAll("details")].map((one) => one.open);
    try {
      const answer = await send(form.dataset.preview);
      if (!answer.ok || mine !== asked) return;
      const focused = panel.contains(document.activeElement) ? document.activeElement.getAttribute("data-example") : null;
      panel.innerHTML = await answer.text();
      [...panel.querySelectorAll("details")].forEach((one, place) => { one.open = open[place] ?? false; });
      if (focused !== null) (panel.querySelector(`[data-example="${focused}"]`) ?? panel.querySelector("[data-example]"))?.focus();
    } catch { /* the page is still there, and so is its button */ }
  };

  const keep = async () => {
    if (!saving || unnamed() || content() === last) return;
    const now = content();
    try {
      const answer = await send(form.dataset.draft);
      saved.innerHTML = await answer.text();
      if (!answer.ok) { saving = answer.status === 422; return; }
      last = now;
      const told = saved.querySelector("[data-revision]").dataset;
      form.elements.revision.value = told.revision;
      if (told.here) settle(told.here);
    } catch { /* the next saving may do better */ }
  };

  // A first draft gave a new one its address.
  const settle = (here) => {
    form.elements.name.readOnly = true;
    form.action = `${here}/modifier`;
    form.dataset.preview = `${here}/apercu`;
    form.dataset.draft = `${here}/brouillon`;
    history.replaceState(null, "", form.action);
  };

  form.elements.name?.addEventListener("blur", () => { clearTimeout(kept); kept = setTimeout(keep, 300); });
  form.addEventListener("input", (event) => {
    if (event.target.type === "hidden") return;
    clearTimeout(shown); shown = setTimeout(look, 400);
    clearTimeout(kept); kept = setTimeout(keep, 3000);
  });

  panel.addEventListener("click", (event) => {
    const button = event.target.closest("[data-example],[data-with]");
    if (!button) return;
    event.preventDefault();
    if (button.dataset.example) form.elements.exemple.value = button.dataset.example;
    if (button.dataset.with) { form.elements.avec.value = button.dataset.with; form.elements.exemple.value = "0"; }
    look();
  });

  form.addEventListener("submit", () => { clearTimeout(kept); saving = false; });

  let placed = false; // has anybody put the cursor somewhere? Else what is inserted goes last
  text?.addEventListener("focus", () => { placed = true; });
  form.querySelectorAll("[data-insert]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      if (!placed) text.setSelectionRange(text.value.length, text.value.length);
      text.focus();
      text.setRangeText(button.dataset.insert, text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
    });
  });
  const refresh = form.querySelector("[data-refresh]");
  if (refresh) refresh.hidden = true;
})();
