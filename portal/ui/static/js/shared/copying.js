/* Copying to the clipboard at a button, and saying beside it what became of it (data-done, data-failed). */

/* `textOf` returns what is copied when the button of the element is pressed. */
export function copiesAtButton(element, textOf) {
  const button = element.querySelector("button");
  const note = element.querySelector("[role=status]");
  let timer;
  button.addEventListener("click", async () => {
    const copied = textOf();
    const { done, failed } = element.dataset;
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(copied);
      else if (!copyBySelection(copied)) throw new Error("no clipboard");
      note.textContent = done;
    } catch {
      note.textContent = failed;
    }
    clearTimeout(timer);
    timer = setTimeout(() => { note.textContent = ""; }, 4000);
  });
}

/* navigator.clipboard is missing on plain HTTP, which a development server on a LAN is. */
function copyBySelection(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}
