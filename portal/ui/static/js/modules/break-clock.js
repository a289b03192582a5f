/*
 * The clock of a break: counts down what is left, says when one minute is, and loads the page anew when the break is over.
 * By how long a page has been open, never by the wall clock. Words stand in data- attributes.
 */

const LAST_MS = 60_000;

export default function breakClock(section) {
  const endsAt = performance.now() + Number(section.dataset.leftMs);
  const left = section.querySelector('[data-slot="left"]');
  const announce = section.querySelector('[data-slot="announce"]');
  let isTold = endsAt - performance.now() <= LAST_MS;
  let isOver = false;

  function tick() {
    if (isOver) return;
    const ms = endsAt - performance.now();
    const seconds = Math.max(0, Math.ceil(ms / 1000));
    if (left) left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (ms <= LAST_MS && !isTold) {
      isTold = true;
      announce.textContent = section.dataset.wordOne;
    }
    if (ms > 0) return;
    isOver = true;
    announce.textContent = section.dataset.wordOver;
    location.reload();
  }

  tick();
  setInterval(tick, 250);
  // A laptop that slept has not counted: the server knows how long it was.
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") location.reload(); });
}
