"use strict";
const root = document.documentElement;
const page = document.querySelector("main");
const buttons = [...document.querySelectorAll("button.filter")];
const search = document.getElementById("search");
const folded = [...page.querySelectorAll("details")].map((one) => [one, one.open]);
const items = [...page.querySelectorAll("[data-status]")];
const boxes = [...page.querySelectorAll("section")];
let show = "all";

function fits(item, wanted) {
  if (show === "new" ? !("new" in item.dataset) : show !== "all" && item.dataset.status !== show) return false;
  const name = item.closest("[data-name]").dataset.name;
  return !wanted || (name + " " + item.textContent).toLowerCase().includes(wanted);
}

function apply() {
  const wanted = search.value.trim().toLowerCase();
  for (const item of items) item.hidden = !fits(item, wanted);
  for (const box of boxes) box.hidden = !box.querySelector("[data-status]:not([hidden])");
  const filtered = show !== "all" || wanted;
  for (const [one, open] of folded) {
    const inside = one.querySelector("[data-status]:not([hidden])");
    if (!one.querySelector("[data-status]")) continue;
    one.hidden = !inside;
    one.open = filtered ? Boolean(inside) : open;
  }
  document.getElementById("nothing").hidden = boxes.some((box) => !box.hidden);
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.show === show));
}

for (const button of buttons) button.addEventListener("click", () => { show = button.dataset.show; apply(); });
search.addEventListener("input", apply);
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
document.querySelector("nav").hidden = false;
document.getElementById("theme").hidden = false;
