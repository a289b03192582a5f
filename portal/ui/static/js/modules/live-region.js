/*
 * A part of a page that is fetched anew every few seconds while the page is in sight: the page itself is asked, and the part with
 * data-slot="region" is put in the place of the old one. The focus stays where it is, what was scrolled stays so; without a connection
 * that is said.
 */

/* By what an element is found again: a link by where it leads, a list that scrolls by what it is called. */
function mark(element) {
  for (const name of ["href", "id", "aria-labelledby"]) if (element.hasAttribute(name)) return `[${name}="${CSS.escape(element.getAttribute(name))}"]`;
  return null;
}

export default function liveRegion(frame) {
  const every = Number(frame.dataset.everyMs);
  const lost = frame.querySelector('[data-slot="lost"]');
  const region = () => frame.querySelector('[data-slot="region"]');

  async function refresh() {
    if (document.visibilityState === "hidden") return;
    try {
      const response = await fetch(location.href, { credentials: "same-origin", headers: { Accept: "text/html" }, signal: AbortSignal.timeout(10_000) });
      if (!response.ok || response.redirected) throw new Error(String(response.status));
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.querySelector('[data-slot="region"]');
      if (!fresh) throw new Error("no region");
      const old = region();
      const held = old.contains(document.activeElement) ? document.activeElement : null;
      const scrolled = [...old.querySelectorAll(".table-region")].filter((each) => each.scrollLeft).map((each) => [mark(each), each.scrollLeft]);
      old.replaceWith(document.adoptNode(fresh));
      for (const [found, left] of scrolled) region().querySelector(found)?.scrollTo({ left });
      // Who has left the list takes the focus to its beginning, not to that of the page.
      const again = held && (region().querySelector(mark(held) ?? "[tabindex]") ?? region().querySelector("[tabindex]"));
      again?.focus({ preventScroll: true });
      lost.textContent = "";
      lost.classList.add("visually-hidden");
    } catch {
      lost.textContent = frame.dataset.wordLost.replace("{time}", region().dataset.at);
      lost.classList.remove("visually-hidden");
    }
  }

  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
}
