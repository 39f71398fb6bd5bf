// Writing a template or a sheet: the preview follows the typing, the draft saves itself. The page works
// without this file: every button of its form does the same, with a page in between.
"use strict";
(() => {
  const form = document.querySelector("[data-editor]");
  if (!form) return;
  const panel = document.getElementById("apercu");
  const saved = document.getElementById("enregistre");
  const text = form.elements.texte;
  const troubles = [...form.querySelectorAll("[data-trouble]")];
  let asked = 0, shown, kept, again, saving = true, last = content();

  function content() {
    const told = [...form.elements].filter((one) => one.name && one.type !== "hidden" && one.tagName !== "BUTTON");
    return told.map((one) => (one.type === "checkbox" ? one.checked : one.value)).join("\u001f");
  }

  // What is new has a name first, and the name is being typed while its field has the focus.
  const unnamed = () => form.elements.name && !form.elements.name.readOnly
    && (!form.elements.name.value || document.activeElement === form.elements.name);

  // --- when nothing can be saved: say so where one types, keep the text, try again ---

  const tell = (why) => { for (const one of troubles) one.hidden = one.dataset.trouble !== why; };
  const troubled = () => troubles.some((one) => !one.hidden);
  const fault = (why) => Object.assign(new Error(why), { why });

  const failed = (error) => {
    tell(error.why ?? "network");
    saved.textContent = saved.dataset.not;
    clearTimeout(again);
    again = setTimeout(retry, 10000);
  };
  const retry = () => { if (troubled()) { look(); keep(); } };
  for (const moment of ["online", "focus"]) addEventListener(moment, () => { clearTimeout(again); retry(); });

  // A session that ended is led to the door: its page is no answer to what a form asks.
  const ask = async (address, body) => {
    const answer = await fetch(address, { method: body ? "POST" : "GET", body, redirect: "manual", cache: "no-store" });
    if (answer.type === "opaqueredirect") throw fault("session");
    return answer;
  };

  // Whoever signed in again in another window has another session, whose forms carry another token.
  const renew = async () => {
    const page = new DOMParser().parseFromString(await (await ask("/compte")).text(), "text/html");
    const token = page.querySelector('[name="jeton"]')?.value;
    const login = (one) => one.querySelector("[data-me]")?.dataset.me;
    if (!token) throw fault("network");
    if (login(page) !== login(document)) throw fault("other");
    form.elements.jeton.value = token;
  };

  const typed = () => new URLSearchParams(new FormData(form));
  const send = async (address) => {
    const answer = await ask(address, typed());
    if (answer.status !== 403) return answer;
    await renew();
    return ask(address, typed());
  };

  const look = async () => {
    const mine = ++asked;
    const open = [...panel.querySelectorAll("details")].map((one) => one.open);
    try {
      const answer = await send(form.dataset.preview);
      if (!answer.ok) throw fault("network");
      if (content() === last || !saving) tell("");
      if (mine !== asked) return;
      const focused = panel.contains(document.activeElement) ? document.activeElement.getAttribute("data-example") : null;
      panel.innerHTML = await answer.text();
      [...panel.querySelectorAll("details")].forEach((one, place) => { one.open = open[place] ?? false; });
      if (focused !== null) (panel.querySelector(`[data-example="${focused}"]`) ?? panel.querySelector("[data-example]"))?.focus();
    } catch (error) { failed(error); }
  };

  const keep = async () => {
    if (!saving || unnamed() || content() === last) return;
    const now = content();
    try {
      const answer = await send(form.dataset.draft);
      if (![200, 409, 422].includes(answer.status)) throw fault("network");
      tell("");
      saved.innerHTML = await answer.text();
      if (!answer.ok) { saving = answer.status === 422; return; }
      last = now;
      const told = saved.querySelector("[data-revision]").dataset;
      form.elements.revision.value = told.revision;
      if (told.here) settle(told.here);
    } catch (error) { failed(error); }
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

  // A button leads to another page: the text leaves this one only for somebody who is signed in.
  let sure = false, asking = false;
  form.addEventListener("submit", async (event) => {
    if (sure) { sure = false; clearTimeout(kept); saving = false; return; }
    event.preventDefault();
    if (asking) return;
    asking = true;
    try {
      await renew();
      tell("");
      sure = true;
      form.requestSubmit(event.submitter);
    } catch (error) { failed(error); } finally { asking = sure = false; }
  });

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
