// What needs no server: switches, copying, dialogs and keys.
"use strict";

const YEAR_SECONDS = 365 * 24 * 3600;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { cookie, value, copies, done, opens } = button.dataset;
  if (cookie) {
    document.cookie = `${cookie}=${value}; path=/; max-age=${YEAR_SECONDS}; samesite=strict`;
    location.reload();
  } else if (copies !== undefined) {
    await navigator.clipboard.writeText(copies);
    const words = button.textContent;
    button.textContent = done;
    setTimeout(() => (button.textContent = words), 2000);
  } else if (opens) {
    document.getElementById(opens).showModal();
  }
});

// One box chooses all of a table's rows.
document.addEventListener("change", (event) => {
  const chooser = event.target.closest("[data-chooses]");
  if (!chooser) return;
  for (const box of chooser.closest("form").querySelectorAll(`[name="${chooser.dataset.chooses}"]`)) {
    box.checked = chooser.checked;
  }
});

// A choice in a filter is applied at once.
document.addEventListener("change", (event) => {
  if (event.target.matches("form.filters select, form.filters input[type=date]")) {
    event.target.form.requestSubmit();
  }
});

// A filter that is left empty has no place in the address.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form.filters")) return;
  for (const field of event.target.elements) {
    if (field.name && !field.value) field.disabled = true;
  }
});

let awaitsPlace = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, dialog[open]")) {
    awaitsPlace = false;
    return;
  }
  if (awaitsPlace) {
    awaitsPlace = false;
    const link = document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
    if (link) location.assign(link.href);
    return;
  }
  if (event.key === "g") {
    // Until the next key, however long that takes: a slow machine gets no other answer.
    awaitsPlace = true;
  } else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  } else if (event.key === "?") {
    document.getElementById("keys").showModal();
  } else if (event.key === "j" || event.key === "k") {
    moveBetweenRows(event.key === "j" ? 1 : -1);
  }
});

function moveBetweenRows(step) {
  const links = [...document.querySelectorAll("[data-row-link]")];
  const next = links[links.indexOf(document.activeElement) + step];
  if (next) next.focus();
}

// The system's own choice, unless one of the two was made here; plots ask for the colours by name.
const darkness = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;
const wanted = document.currentScript.dataset.theme;
function applyTheme() {
  root.dataset.theme = wanted === "auto" ? (darkness.matches ? "dark" : "light") : wanted;
}
darkness.addEventListener("change", applyTheme);
applyTheme();
