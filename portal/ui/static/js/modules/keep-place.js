/*
 * Remembers where somebody stopped reading: posts the id of the clause in view to data-url, as `clause`, with the token of
 * data-csrf, at most once in four seconds and once more when the page is left. The clauses are the elements with data-clause.
 */
import { lastPassed } from "../shared/reading-line.js";

const PAUSE_MS = 4000;

export default function keepPlace(element) {
  const { url, csrf } = element.dataset;
  const clauses = [...element.querySelectorAll("[data-clause]")];
  let kept = element.dataset.place ?? "";
  let timer;

  const inView = () => (clauses.length ? lastPassed(clauses).dataset.clause : "");
  const keep = () => {
    clearTimeout(timer);
    timer = undefined;
    const place = inView();
    if (!place || place === kept) return;
    kept = place;
    const body = new URLSearchParams({ clause: place, csrf_token: csrf });
    // A lost place costs a scroll; it is not worth a message.
    fetch(url, { method: "POST", body, headers: { "X-CSRFToken": csrf }, keepalive: true, credentials: "same-origin" }).catch(() => {});
  };
  addEventListener("scroll", () => { timer ??= setTimeout(keep, PAUSE_MS); }, { passive: true });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden" && timer) keep(); });
}
