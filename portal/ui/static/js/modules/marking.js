/*
 * Marking an answer quickly: a digit that can only be the whole of its points goes on to the next criterion, Ctrl + Enter gives the
 * mark, and what is written is kept on the server while somebody writes. Without it the form's buttons do the same.
 */

const QUIET_MS = 1_500;

export default function marking(form) {
  const fields = [...form.querySelectorAll("input[data-most]")];
  const comment = form.elements.comment;
  const state = form.querySelector(".save-state");
  const { draft } = form.dataset;
  let timer;
  let isGiven = false;

  function word(name, time = "") {
    state.dataset.state = name;
    state.hidden = false;
    state.querySelector('[data-slot="word"]').textContent = state.getAttribute(`data-word-${name}`).replace("{time}", time);
  }

  async function keep() {
    clearTimeout(timer);
    if (!draft || isGiven) return;
    word("saving");
    try {
      const response = await fetch(draft, {
        method: "POST", credentials: "same-origin", headers: { Accept: "application/json" }, body: new FormData(form),
      });
      const reply = await response.json();
      if (response.ok) word("saved", reply.saved_at);
      else word("refused");
    } catch {
      word("retrying");
      timer = setTimeout(keep, 10_000);
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(keep, QUIET_MS);
  }

  const next = (field) => fields[fields.indexOf(field) + 1] ?? comment;

  form.addEventListener("input", (event) => {
    if (event.isComposing) return;
    soon();
    const field = event.target;
    if (!fields.includes(field) || event.inputType !== "insertText") return;
    // Of 10 points and more a digit may be the first of two; a point or comma says that there is more to come.
    if (/^[0-9]$/.test(field.value) && Number(field.dataset.most) < 10 && Number(field.value) <= Number(field.dataset.most)) {
      next(field).focus();
      next(field).select?.();
    }
  });
  form.addEventListener("compositionend", soon);
  form.addEventListener("change", soon);
  form.addEventListener("keydown", (event) => {
    if (event.isComposing || event.key !== "Enter") return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      form.requestSubmit(form.querySelector('button[value="give"]'));
    } else if (fields.includes(event.target)) {
      // A single Enter goes on; it never gives a mark that somebody is still writing.
      event.preventDefault();
      next(event.target).focus();
    }
  });
  form.addEventListener("submit", () => {
    isGiven = true;
    clearTimeout(timer);
  });
  fields[0]?.focus({ preventScroll: true });
}
