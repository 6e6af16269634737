"use strict";
// Everything here is an extra: without scripts the page shows all there is.
(function () {
  const controls = document.querySelector(".controls");
  const build = document.getElementById("filter-openssl");
  const hazard = document.getElementById("filter-hazard");
  const theme = document.getElementById("theme");
  const shown = document.getElementById("shown");
  controls.hidden = false;
  controls.addEventListener("submit", (e) => e.preventDefault());

  // What has no value for a filter belongs to all of its values.
  function fits(e) {
    return (!build.value || !e.dataset.openssl || e.dataset.openssl === build.value) &&
      (!hazard.value || !e.dataset.hazard || e.dataset.hazard === hazard.value);
  }
  function filter() {
    let tables = 0, figures = 0;
    for (const e of document.querySelectorAll("tr[data-openssl], figure[data-openssl]")) {
      e.hidden = !fits(e);
      if (!e.hidden && e.tagName === "FIGURE") figures++;
    }
    for (const e of document.querySelectorAll(".table")) {
      e.hidden = !fits(e) || !e.querySelector("tbody tr:not([hidden])");
      if (!e.hidden) tables++;
    }
    shown.textContent = tables + " tables, " + figures + " panels shown";
  }
  build.addEventListener("change", filter);
  hazard.addEventListener("change", filter);
  filter();

  theme.addEventListener("change", () => {
    if (theme.value) document.documentElement.dataset.theme = theme.value;
    else delete document.documentElement.dataset.theme;
  });

  // Values that are no number, such as "not applicable", stay at the end.
  function key(row, column) {
    const cell = row.cells[column];
    return cell.dataset.sort === undefined ? NaN : Number(cell.dataset.sort);
  }
  function compare(column, sign) {
    return (a, b) => {
      const x = key(a, column), y = key(b, column);
      if (!Number.isNaN(x) && !Number.isNaN(y)) return sign * (x - y);
      if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
      return sign * a.cells[column].textContent.localeCompare(b.cells[column].textContent, "en", { numeric: true });
    };
  }
  for (const table of document.querySelectorAll(".table table")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((th, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = th.textContent;
      th.textContent = "";
      th.append(button);
      button.addEventListener("click", () => {
        const up = th.getAttribute("aria-sort") !== "ascending";
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = table.tBodies[0];
        body.append(...[...body.rows].sort(compare(column, up ? 1 : -1)));
      });
    });
  }
})();
