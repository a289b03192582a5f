/* Copies data-href (made absolute) or data-text, and says so with data-done or data-failed. */
export default function copyLink(element) {
  const button = element.querySelector("button");
  const note = element.querySelector("[role=status]");
  let timer;
  button.addEventListener("click", async () => {
    const { href, text, done, failed } = element.dataset;
    const copied = text ?? new URL(href, location.href).href;
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
