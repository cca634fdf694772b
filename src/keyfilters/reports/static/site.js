"use strict";

// Sorting: every column of a sortable table by a button in its header; numbers as numbers, empty ones last.
function valueOf(cell) {
  const text = cell.textContent.trim().replace(/^[↑↓▲▼]/, "").replace(/,(?=\d{3})/g, "");
  const number = parseFloat(text);
  return Number.isNaN(number) ? text.toLowerCase() : number;
}

function compare(one, other) {
  if (one === "" || other === "") return (one === "") - (other === "");
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other));
}

for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = header.getAttribute("aria-sort") === "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = [...body.rows].map((row) => [valueOf(row.cells[column]), row]);
      rows.sort((one, other) => (one[0] === "" || other[0] === "" || !descending ? 1 : -1) * compare(one[0], other[0]));
      body.append(...rows.map(([, row]) => row));
    });
  });
}

// Images open large; without this script the link leads to the image itself.
const large = document.getElementById("large");
for (const link of document.querySelectorAll("a.enlarge")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const image = large.querySelector("img");
    image.src = link.href;
    image.alt = link.querySelector("img").alt;
    large.showModal();
  });
}

// Search: all words must occur; arrow keys are the browser's own, since the results are a list of links.
const MOST = 40;
const search = document.getElementById("search");
if (search) {
  const found = document.getElementById("found");
  const count = document.getElementById("count");
  search.form.addEventListener("submit", (event) => {
    event.preventDefault();
    found.querySelector("a")?.click();
  });
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = words.length
      ? window.SEARCHED.filter(([label, , more]) => words.every((word) => `${label} ${more}`.toLowerCase().includes(word)))
      : [];
    found.replaceChildren(
      ...hits.slice(0, MOST).map(([label, page]) => {
        const link = document.createElement("a");
        link.href = document.body.dataset.base + page;
        link.textContent = label;
        const item = document.createElement("li");
        item.append(link);
        return item;
      }),
    );
    found.hidden = !hits.length;
    count.textContent = words.length ? `${hits.length} found` : "";
  });
  search.form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      found.hidden = true;
      search.focus();
    }
  });
}

// Light or dark: the system's choice unless the reader makes one.
const theme = document.getElementById("theme");
function show(choice) {
  document.documentElement.dataset.theme = choice;
  theme.textContent = choice === "dark" ? "Light" : "Dark";
  theme.setAttribute("aria-label", choice === "dark" ? "Light colours" : "Dark colours");
}
theme.hidden = false;
show(localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
theme.addEventListener("click", () => {
  const choice = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", choice);
  show(choice);
});
