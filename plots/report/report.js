"use strict";
// Everything here is an extra: without scripts the page shows all there is.
(function () {
  const controls = document.querySelector(".controls");
  const build = document.getElementById("filter-openssl");
  const hazard = document.getElementById("filter-hazard");
  const theme = document.getElementById("theme");
  const shown = document.getElementById("shown");
  const builds = [...build.options].map((o) => o.value).filter(Boolean);
  controls.hidden = false;
  controls.addEventListener("submit", (e) => e.preventDefault());

  // What has no value for a filter belongs to all of its values.
  function fits(e) {
    return (!build.value || !e.dataset.openssl || e.dataset.openssl === build.value) &&
      (!hazard.value || !e.dataset.hazard || e.dataset.hazard === hazard.value);
  }
  function filter() {
    let tables = 0, figures = 0;
    for (const e of document.querySelectorAll("tbody tr, figure")) {
      e.hidden = !fits(e);
      if (!e.hidden && e.tagName === "FIGURE") figures++;
    }
    for (const e of document.querySelectorAll(".table")) {
      e.hidden = !fits(e) || !e.querySelector("tbody tr:not([hidden])");
      if (!e.hidden) tables++;
    }
    // A column that is a build goes with its build.
    for (const table of document.querySelectorAll(".table table")) {
      [...table.tHead.rows[0].cells].forEach((th, column) => {
        if (!builds.includes(th.textContent)) return;
        for (const row of table.rows) row.cells[column].hidden = build.value && th.textContent !== build.value;
      });
    }
    for (const e of document.querySelectorAll("details.scene, section.figure")) {
      const parts = e.querySelectorAll(".table, figure");
      e.hidden = parts.length > 0 && ![...parts].some((p) => !p.hidden);
    }
    shown.textContent = tables + " tables, " + figures + " panels shown";
  }

  // The filters are in the address, so that a view can be sent to someone.
  function remember() {
    const at = new URLSearchParams();
    if (build.value) at.set("openssl", build.value);
    if (hazard.value) at.set("hazard", hazard.value);
    history.replaceState(null, "", "?" + at + location.hash);
    filter();
  }
  const at = new URLSearchParams(location.search);
  build.value = at.get("openssl") || "";
  hazard.value = at.get("hazard") || "";
  if (build.selectedIndex < 0) build.value = "";
  if (hazard.selectedIndex < 0) hazard.value = "";
  build.addEventListener("change", remember);
  hazard.addEventListener("change", remember);
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
  const orders = ["ascending", "descending", ""]; // the third click restores the order
  for (const table of document.querySelectorAll(".table table")) {
    const heads = [...table.tHead.rows[0].cells];
    const first = [...table.tBodies[0].rows];
    heads.forEach((th, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = th.textContent;
      th.textContent = "";
      th.append(button);
      button.addEventListener("click", () => {
        const order = orders[(orders.indexOf(th.getAttribute("aria-sort") || "") + 1) % orders.length];
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        if (order) th.setAttribute("aria-sort", order);
        table.tBodies[0].append(...(order ? [...first].sort(compare(column, order === "ascending" ? 1 : -1)) : first));
      });
    });
  }
})();
