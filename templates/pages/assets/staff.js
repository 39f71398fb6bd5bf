// Keys and small comforts. Every page works without this file.
"use strict";
(() => {
  const typing = (event) => event.target.matches("input:not([type=checkbox]):not([type=radio]),select,textarea,[contenteditable]");
  const lines = () => [...document.querySelectorAll("[data-list] [data-open]")].filter((one) => one.offsetParent);
  const here = () => document.querySelector("[data-here]");

  const stand = (link) => {
    here()?.removeAttribute("data-here");
    const line = link.closest("tr,li,article") ?? link;
    line.setAttribute("data-here", "");
    link.focus({ preventScroll: true });
    line.scrollIntoView({ block: "nearest" });
    line.dispatchEvent(new CustomEvent("stand", { bubbles: true }));
  };

  const step = (by) => {
    const all = lines();
    if (!all.length) return;
    const now = all.findIndex((one) => (one.closest("tr,li,article") ?? one).hasAttribute("data-here"));
    stand(all[Math.min(all.length - 1, Math.max(0, now < 0 ? 0 : now + by))]);
  };

  // A key may belong to something of the page: data-key="t" on a link, a button or a field.
  const own = (key) => [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find((one) => one.offsetParent && !one.disabled);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && typing(event)) { event.target.blur(); return; }
    if (typing(event) || document.querySelector("dialog[open]")) return;
    const target = own(event.key);
    if (target) {
      event.preventDefault();
      if (target.matches("input,select,textarea")) target.focus(); else target.click();
    } else if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      const patients = document.querySelector("nav a[href='/patients']");
      if (search) { event.preventDefault(); search.focus(); search.select?.(); }
      else if (patients) { event.preventDefault(); patients.click(); } // who calls is looked for there
    } else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "?") document.getElementById("aide")?.showModal();
  });

  document.querySelector("[data-focus]")?.focus();

  // A form sent twice in haste is sent once; the browser's way back shows it ready again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog" || event.defaultPrevented) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 4000); // a file may have come instead of a page
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
})();
