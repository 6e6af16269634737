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
      if (word[0].length < 20 && new Set([...r.getClientRects()].map(b => Math.round(b.top))).size > 1) problems.push("is broken inside: " + word[0]);
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
