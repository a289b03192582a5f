/* Marks the clause that is being read in the table of contents, and folds it as wide as the screen allows. */
import { lastPassed } from "../shared/reading-line.js";

// As in document.css: from here on the contents have a column of their own.
const WIDE = "(width >= 64rem)";
// Pixels; the width of a scroll that may come from fonts and rounding.
const NEAR = 8;

export default function toc(element) {
  fold(element.querySelector("details"));
  const links = new Map();
  for (const link of element.querySelectorAll("a[href^='#']")) {
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (target) links.set(target, link);
  }
  const targets = [...links.keys()];
  if (!targets.length) return;
  let current = null;
  // Whoever asked for a clause is at that clause, however short it is, until the page is scrolled on.
  let asked = null;
  const ask = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    asked = links.has(target) ? { target, top: null } : null;
    // Two frames: by then the browser stands where the address leads.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (asked) asked.top = scrollY;
      mark();
    }));
  };
  const mark = () => {
    if (asked && asked.top !== null && Math.abs(scrollY - asked.top) > NEAR) asked = null;
    const next = links.get(asked?.target ?? lastPassed(targets));
    if (next === current) return;
    current?.removeAttribute("aria-current");
    next.setAttribute("aria-current", "location");
    current = next;
  };
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  }, { passive: true });
  addEventListener("hashchange", ask);
  // A click on the address that is there already changes no hash.
  element.addEventListener("click", (event) => { if (event.target.closest("a[href^='#']")) requestAnimationFrame(ask); });
  for (const link of links.values()) link.removeAttribute("aria-current");
  ask();
  mark();
}

function fold(details) {
  if (!details) return;
  const wide = matchMedia(WIDE);
  const follow = () => { details.open = wide.matches; };
  wide.addEventListener("change", follow);
  follow();
  details.classList.add("toc__fold--ready");
}
