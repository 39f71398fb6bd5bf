// One key a call: 1 to 7 on the line one stands on. Every button works without this file.
"use strict";
(() => {
  const print = document.querySelector("[data-print]");
  if (print) { print.hidden = false; print.addEventListener("click", () => window.print()); }

  // After a result one stands on the next line.
  const next = location.hash.startsWith("#appel-") && document.getElementById(location.hash.slice(1));
  if (next) { next.setAttribute("data-here", ""); next.querySelector("[data-open]")?.focus({ preventScroll: true }); next.scrollIntoView({ block: "center" }); }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !/^[1-9]$/.test(event.key)) return;
    if (event.target.matches("input,select,textarea") || document.querySelector("dialog[open]")) return;
    const button = document.querySelector(`[data-list] [data-here] [data-choice="${event.key}"]`);
    if (button) { event.preventDefault(); button.click(); }
  });
})();
