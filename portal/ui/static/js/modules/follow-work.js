/* Moves the bar of background work on, and loads the page again once the work has ended.
 *
 * data-url answers {"state", "done", "total"}. Where there is a place for it (data-slot="ended"), the end is announced first, in the
 * words of data-ended: what a page says as it loads, nobody hears. Without this the page says to load it again by hand.
 */
const EVERY = 2000;
const AT_MOST = 10000;
const HEARD = 1500;

export default function followWork(element) {
  const bar = element.querySelector("progress");
  const words = element.querySelector(".progress__text");
  let wait = EVERY;

  async function look() {
    try {
      const answer = await fetch(element.dataset.url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const { state, done, total } = await answer.json();
      if (state !== "queued" && state !== "running") {
        end();
        return;
      }
      if (total) {
        bar.max = total;
        bar.value = done;
        // The words of the page, with its numbers replaced: their order is that of its language.
        words.textContent = words.dataset.words.replace("{done}", done).replace("{all}", total);
      }
      wait = EVERY;
    } catch {
      wait = Math.min(wait * 2, AT_MOST);
    }
    setTimeout(look, wait);
  }

  function end() {
    const ended = element.querySelector('[data-slot="ended"]');
    if (ended) ended.textContent = element.dataset.ended;
    setTimeout(() => location.reload(), ended ? HEARD : 0);
  }

  words.dataset.words = element.dataset.words ?? "{done} / {all}";
  setTimeout(look, wait);
}
