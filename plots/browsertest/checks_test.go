package browsertest

// layoutProblems lists text that leaves the window, is cut by its box, lies on
// other text, or has a word broken inside; in pictures too. It lists pictures too
// that are drawn much smaller than they were made, or larger.
const layoutProblems = `(() => {
  const problems = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) problems.push("the page is wider than the window: " + document.documentElement.scrollWidth);
  const boxes = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walk.nextNode();) {
    if (!n.textContent.trim()) continue;
    const e = n.parentElement;
    if (e.closest("script, style, title, desc, .skip, .hidden, option, [hidden]")) continue;
    if (e.closest("details:not([open])") && !e.closest("summary")) continue;
    const r = document.createRange();
    for (const word of n.textContent.matchAll(/\p{L}+/gu)) {
      r.setStart(n, word.index);
      r.setEnd(n, word.index + word[0].length);
      if (word[0].length < 20 && new Set([...r.getClientRects()].map(b => Math.round(b.top))).size > 1) problems.push("is broken inside: " + word[0] + " in " + n.textContent.trim().slice(0, 60));
    }
    r.selectNodeContents(n);
    for (const b of r.getClientRects()) {
      if (b.width < 1 || b.height < 1) continue;
      if (innerWidth <= 700 && e.closest("thead")) continue;
      const text = n.textContent.trim().slice(0, 40);
      // The verdict map is wider than a telephone: its box scrolls, by keys too.
      const box = e.closest(".wide .paper[tabindex]");
      if (box && getComputedStyle(box).overflowX === "auto" && box.getBoundingClientRect().right <= width + 1) continue;
      if (b.left < -1 || b.right > width + 1) problems.push("leaves the window: " + text);
      for (let p = e; p && p !== document.body; p = p.parentElement) {
        if (p instanceof SVGElement && p.tagName !== "svg") continue;
        const s = getComputedStyle(p);
        if (s.overflowX === "visible" && p.tagName !== "svg") continue;
        const box = p.getBoundingClientRect();
        if (b.left < box.left - 2 || b.right > box.right + 2 || b.top < box.top - 3 || b.bottom > box.bottom + 2)
          problems.push("is cut by " + p.tagName + ": " + text);
      }
      if (e.closest(".controls")) continue; // stands above what scrolls below it
      boxes.push({ l: b.left, r: b.right, t: b.top, b: b.bottom, text, e });
    }
  }
  for (const svg of document.querySelectorAll("figure svg")) {
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    if (scale && (scale < 0.8 || scale > 1.01)) problems.push("a picture at " + scale.toFixed(2) + " of its size");
  }
  boxes.sort((x, y) => x.t - y.t);
  for (let i = 0; i < boxes.length; i++) {
    for (let j = i + 1; j < boxes.length && boxes[j].t < boxes[i].b; j++) {
      const x = boxes[i], y = boxes[j];
      const wide = Math.min(x.r, y.r) - Math.max(x.l, y.l), high = Math.min(x.b, y.b) - Math.max(x.t, y.t);
      // Line boxes of one size overlap a little without their letters doing so.
      if (wide > 2 && high > 0.35 * Math.min(x.b - x.t, y.b - y.t)) problems.push("on one another: " + x.text + " / " + y.text);
    }
  }
  return [...new Set(problems)].slice(0, 20);
})()`

// contrastProblems lists text below the contrast of WCAG 2.2 AA: 4.5, or 3 for
// large text.
const contrastProblems = `(() => {
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 }; };
  const lum = rgb => { const [r, g, b] = rgb.map(x => { x /= 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const x = lum(a), y = lum(b); return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const problems = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walk.nextNode();) {
    if (!n.textContent.trim()) continue;
    const e = n.parentElement;
    if (e.closest("script, style, title, desc, .hidden, option") || e.getClientRects().length === 0) continue;
    const s = getComputedStyle(e);
    const ink = parse(e.closest("svg") ? s.fill : s.color).rgb;
    let back = [255, 255, 255];
    for (let p = e; p; p = p.parentElement) {
      if (p instanceof SVGElement && p.tagName !== "svg") continue;
      const c = parse(getComputedStyle(p).backgroundColor);
      if (c.a > 0) { back = c.rgb; break; }
    }
    // A field of a map is a path drawn before its text.
    if (e.closest("svg")) {
      const b = e.getBoundingClientRect(), x = b.left + b.width / 2, y = b.top + b.height / 2;
      for (let q = e.previousElementSibling; q; q = q.previousElementSibling) {
        const f = q.tagName === "path" ? q.getBoundingClientRect() : null;
        if (f && getComputedStyle(q).fill !== "none" && getComputedStyle(q).fillOpacity === "1" && f.left <= x && f.right >= x && f.top <= y && f.bottom >= y) { back = parse(getComputedStyle(q).fill).rgb; break; }
      }
    }
    const size = parseFloat(s.fontSize), large = size >= 24 || size >= 18.66 && Number(s.fontWeight) >= 700;
    const got = ratio(ink, back);
    if (got < (large ? 3 : 4.5)) problems.push(got.toFixed(2) + ": " + n.textContent.trim().slice(0, 40) + " (" + e.tagName + "." + e.className + ")");
  }
  return [...new Set(problems)].slice(0, 20);
})()`

// glyphProblems lists characters that the browser draws as nothing, or as the box
// that stands for a letter that no font has: in tables, in pictures, and in what the
// style sheet adds.
const glyphProblems = `(() => {
  const pen = Object.assign(document.createElement("canvas"), { width: 48, height: 48 }).getContext("2d", { willReadFrequently: true });
  const drawn = (font, c) => {
    pen.clearRect(0, 0, 48, 48);
    pen.font = font;
    pen.fillText(c, 8, 32);
    return pen.getImageData(0, 0, 48, 48).data.join();
  };
  const problems = [], fonts = new Map();
  const look = (text, s) => {
    const font = s.fontStyle + " " + s.fontWeight + " 24px " + s.fontFamily;
    if (!fonts.has(font)) fonts.set(font, { seen: new Set(), none: [drawn(font, " "), drawn(font, "\u0378")] }); // U+0378 is no letter
    const { seen, none } = fonts.get(font);
    for (const c of text.replace(/\s/g, "")) {
      if (seen.has(c)) continue;
      seen.add(c);
      if (none.includes(drawn(font, c))) problems.push("no glyph for " + c + " (U+" + c.codePointAt(0).toString(16) + ") in " + font);
    }
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walk.nextNode();) {
    if (n.textContent.trim() && !n.parentElement.closest("script, style")) look(n.textContent, getComputedStyle(n.parentElement));
  }
  for (const e of document.querySelectorAll("body *")) {
    for (const where of ["::before", "::after"]) {
      const s = getComputedStyle(e, where);
      if (s.content.startsWith('"')) look(s.content.slice(1, -1), s);
    }
  }
  return problems.slice(0, 20);
})()`

// contradictions lists what the page says in two ways: a verdict's word against its
// own count of damaged trials, and the answer about a strategy against the verdicts of
// the same page.
const contradictions = `(() => {
  const problems = [], harmless = ["w-clean", "w-no-damage-seen", "w-shared", "w-skipped", "w-not-applicable", "w-no-trials"];
  const hurt = cell => cell.classList.contains("verdict") && !harmless.some(w => cell.classList.contains(w));
  const conditions = text => (text.match(/load .*/) || [""])[0];
  const damaged = new Map(); // whether there is a damaged trial, by conditions, hazard, build and strategy
  const verdicts = [];       // of each strategy under each hazard on each build
  for (const box of document.querySelectorAll("#details .table")) {
    const title = box.querySelector("h4").textContent, scene = box.closest("details.scene");
    const head = [...box.querySelector("thead tr").cells].map(c => c.textContent.trim());
    for (const row of box.querySelectorAll("tbody tr")) {
      for (let i = 1; i < row.cells.length; i++) {
        const cell = row.cells[i], count = cell.textContent.match(/(\d+)\/\d+/);
        if (title === "Damage: damaged trials" && count)
          damaged.set([conditions(scene.querySelector("summary").textContent), box.dataset.hazard, head[i], row.cells[0].textContent].join(), Number(count[1]) > 0);
        if (head[0] !== "hazard" || !row.dataset.hazard) continue;
        if (count && (Number(count[1]) > 0) !== hurt(cell)) problems.push(head[i] + " under " + row.dataset.hazard + ": " + cell.textContent);
        const oracle = row.cells[head.indexOf("key-owner")];
        verdicts.push({ where: conditions(title), strategy: head[i], hazard: row.dataset.hazard, build: row.dataset.openssl, text: cell.textContent, hurt: hurt(cell), hopeless: !oracle || hurt(oracle) });
      }
    }
  }
  let compared = 0;
  for (const v of verdicts) {
    const counted = damaged.get([v.where, v.hazard, v.build, v.strategy].join());
    if (counted === undefined) continue;
    compared++;
    if (counted !== v.hurt) problems.push(v.strategy + " under " + v.hazard + " on " + v.build + " is " + v.text + ", and trials say otherwise");
  }
  const answers = document.querySelectorAll("#answer .table table tbody tr");
  for (const row of answers) {
    const [strategy, alone, breaks] = [...row.cells].slice(0, 3).map(c => c.textContent.trim());
    const plain = verdicts.filter(v => v.strategy === strategy && v.hazard === "plain");
    for (const v of plain) {
      const safe = !/crash|hang|corrupt|broken|collateral/.test(alone);
      if (v.hurt && safe) problems.push(strategy + " alone: " + alone + "; and it is damaged on " + v.build);
    }
    const ruined = plain.filter(v => v.hurt).map(v => v.build);
    const broken = verdicts.some(v => v.strategy === strategy && v.hazard !== "plain" && v.hurt && !v.hopeless && !ruined.includes(v.build));
    if (/^none of/.test(breaks) && broken) problems.push(strategy + " breaks with " + breaks + ", and a table has damage");
  }
  if (answers.length === 0 || compared === 0) problems.push("there is no answer, or no verdict with its trials, to compare");
  return problems.slice(0, 20);
})()`
