/*
 * Draws a certificate template beside its form while it is being written (data-url answers; nothing is saved), and says beneath it what is
 * wrong. A chosen picture file is sent once: the answer tells under which name it is kept. Without it, a button draws.
 * Never while an input method is composing.
 */
const WAIT_MS = 700;
const TIMEOUT_MS = 30_000;

export default function templatePreview(form) {
  const { dataset } = form;
  const find = (name) => form.querySelector(`[data-slot="${name}"]`);
  const [picture, state, faults] = ["picture", "state", "faults"].map(find);
  find("preview").hidden = true;
  let timer;
  let asking;

  /* A picture that would be refused is not sent: what is written would stay behind on a page that only says so. */
  function heavy() {
    const found = [...form.elements].filter((field) => field.type === "file" && (field.files[0]?.size ?? 0) > Number(dataset.most));
    if (found.length > 0) {
      faults.replaceChildren(...found.map((field) => {
        const item = document.createElement("li");
        item.textContent = `${field.labels[0]?.textContent.trim() ?? ""}: ${dataset.heavy}`;
        return item;
      }));
      mark(found.map((field) => field.id));
      state.textContent = "";
    }
    return found;
  }

  async function draw() {
    asking?.abort();
    if (heavy().length > 0) return;
    asking = new AbortController();
    const { signal } = asking;
    state.textContent = dataset.drawing;
    try {
      const answer = await fetch(dataset.url, {
        method: "POST", body: new FormData(form), headers: { Accept: "application/json" },
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      if (answer.status === 413) {
        state.textContent = dataset.tooLarge;
        return;
      }
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      show(await answer.json());
    } catch (error) {
      if (signal.aborted) return;
      state.textContent = dataset.failed;
      console.info("template-preview:", error.message);
    }
  }

  function show(answer) {
    faults.replaceChildren(...answer.faults.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
    mark(answer.wrong);
    for (const [name, hash] of Object.entries(answer.kept)) keep(name, hash);
    state.textContent = answer.picture ? dataset.drawn : "";
    if (!answer.picture) return;
    picture.src = answer.picture;
    picture.hidden = false;
  }

  /* Fields that are wrong as they are written now say so before anything is saved. */
  function mark(wrong) {
    for (const field of form.elements) {
      if (wrong.includes(field.id)) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }

  /* The file is on the server now: chosen in the list like those that were there before. */
  function keep(name, hash) {
    const list = form.elements[name];
    const file = form.elements[`${name}_file`];
    if (![...list.options].some((option) => option.value === hash)) list.add(new Option(file.files[0]?.name ?? hash, hash));
    list.value = hash;
    file.value = "";
  }

  function soon(event) {
    if (event.isComposing) return;
    clearTimeout(timer);
    timer = setTimeout(draw, WAIT_MS);
  }

  form.addEventListener("submit", (event) => {
    const [first] = heavy();
    if (!first) return;
    event.preventDefault();
    first.focus();
  });
  form.addEventListener("input", soon);
  form.addEventListener("compositionend", soon);
  /* What could not be drawn when the page came says here why. */
  picture.addEventListener("error", draw, { once: true });
}
