/*
 * Lets a long list of boxes be narrowed by name while it is ticked: the field of the element shows those alone whose data-name fits.
 * What is ticked stays in sight, and is sent whatever is shown. Without it the field is not there, and the list scrolls.
 * Never while an input method is composing.
 */
export default function choicesFilter(element) {
  const part = element.querySelector("[data-filter]");
  const field = part.querySelector("input");
  const nobody = element.querySelector("[data-filter-none]");
  const options = [...element.querySelectorAll("[data-name]")];
  const folded = (text) => text.normalize("NFKC").toLocaleLowerCase().replace(/\s+/gu, "");

  function narrow() {
    const wanted = folded(field.value);
    let fitting = 0;
    for (const option of options) {
      const fits = folded(option.dataset.name).includes(wanted);
      fitting += fits ? 1 : 0;
      option.hidden = !fits && !option.querySelector("input").checked;
    }
    nobody.hidden = fitting > 0;
  }

  field.addEventListener("input", (event) => { if (!event.isComposing) narrow(); });
  field.addEventListener("compositionend", narrow);
  /* Enter narrows and does not send the form. */
  field.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) event.preventDefault(); });
  part.hidden = false;
}
