/*
 * Says beside each line of a blueprint how many questions fit it while the form is being filled in (data-url answers; nothing is kept),
 * and keeps the tags and clauses that are offered those of its bank.
 * Without it, a button counts. Never while an input method is composing.
 */
const WAIT_MS = 400;

export default function countFitting(form) {
  let timer;
  let asking;

  async function count() {
    asking?.abort();
    asking = new AbortController();
    try {
      const answer = await fetch(form.dataset.url, {
        method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, signal: asking.signal,
      });
      if (!answer.ok) return;
      const { draws, whole } = await answer.json();
      for (const { id, words, offered } of draws) {
        show(id, words);
        for (const [kind, names] of Object.entries(offered ?? {})) offer(`${id}-${kind}`, names);
      }
      show("whole", whole);
    } catch (error) {
      /* What was counted last stays; the button counts again. */
      if (error.name !== "AbortError") console.info("count-fitting:", error.message);
    }
  }

  function show(id, words) {
    const place = form.querySelector(`[data-fit="${CSS.escape(id)}"]`);
    if (place && place.textContent !== words) place.textContent = words;
  }

  /* Another bank has other tags and clauses. */
  function offer(id, names) {
    const list = form.querySelector(`[data-offered="${CSS.escape(id)}"]`);
    list?.replaceChildren(...names.map((name) => {
      const option = new Option("", name);
      option.dataset.name = name;
      return option;
    }));
  }

  function soon(event) {
    if (event.isComposing) return;
    clearTimeout(timer);
    timer = setTimeout(count, WAIT_MS);
  }

  form.addEventListener("input", soon);
  form.addEventListener("compositionend", soon);
}
