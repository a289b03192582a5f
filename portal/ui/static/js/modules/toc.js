/* Marks the clause that is being read in the table of contents, and folds it as wide as the screen allows. */
import { lastPassed } from "../shared/reading-line.js";

// As in document.css: from here on the contents have a column of their own.
const WIDE = "(width >= 64rem)";

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
  const mark = () => {
    const next = links.get(lastPassed(targets));
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
  for (const link of links.values()) link.removeAttribute("aria-current");
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
