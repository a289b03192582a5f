/*
 * The answer to one question, as its controls have it: part → values. Controls are named `q3-part`; other things that stand in the same
 * section are none of its answer. Values are what the form itself would send.
 */

const isTyped = (control) => control.matches('textarea, input[type="text"]');
const isPicked = (control) => control.matches('input[type="radio"], input[type="checkbox"]');
const valueOf = (control) => (isPicked(control) ? (control.checked ? control.value : "") : isTyped(control) ? (control.value.trim() ? control.value : "") : control.value);

/* The controls of a question, part by part. */
export function partsOf(section) {
  const prefix = `q${section.dataset.position}-`;
  const parts = new Map();
  for (const control of section.querySelectorAll("input, select, textarea")) {
    if (!control.name.startsWith(prefix)) continue;
    const part = control.name.slice(prefix.length);
    parts.set(part, [...(parts.get(part) ?? []), control]);
  }
  return parts;
}

/* What is written is typed: it is saved when the typing pauses. */
export const isWritten = (control) => isTyped(control);

/* The answer of a question; parts without one are left out. */
export function answerOf(section) {
  const answer = {};
  for (const [part, controls] of partsOf(section)) {
    const values = controls.map(valueOf).filter(Boolean);
    if (values.length) answer[part] = values;
  }
  return answer;
}

/* Where it stands how the number of a part is read; nothing for a part that is no number. */
const noteOf = (section, part) => section.querySelector(`[data-note="q${section.dataset.position}-${part}"]`);

/* By how many characters a text is too long, below 0 too short; 0 where it fits, or may have any length. */
function misfit(section, part, control) {
  const place = section.querySelector(`[data-count="q${section.dataset.position}-${part}"]`);
  if (!place) return 0;
  const count = [...control.value].length;
  const { least, most } = place.dataset;
  if (most && count > Number(most)) return count - Number(most);
  return least && count < Number(least) ? count - Number(least) : 0;
}

/*
 * How much of a question is answered: every part of it, some, or none; a part of several lists is answered when all of them are. What the
 * server could not read comes first, then a text that is too long or too short, and by how much (`off`).
 */
export function howFar(section) {
  let whole = 0;
  let any = 0;
  let isUnread = false;
  let off = 0;
  const parts = partsOf(section);
  for (const [part, controls] of parts) {
    const given = controls.filter((control) => valueOf(control)).length;
    if (given) any += 1;
    if (given && noteOf(section, part)?.hasAttribute("data-unread")) isUnread = true;
    if (given) off ||= misfit(section, part, controls[0]);
    if (given && (isPicked(controls[0]) || given === controls.length)) whole += 1;
  }
  return { state: any === 0 ? "open" : isUnread ? "unread" : off ? "length" : whole === parts.size ? "answered" : "partly", whole, all: parts.size, off };
}

/* Shows an answer that was saved. Tells the section of it, for what else keeps its order or its length. */
export function show(section, answer) {
  for (const [part, controls] of partsOf(section)) {
    const values = answer[part] ?? [];
    for (const control of controls) {
      if (isPicked(control)) control.checked = values.includes(control.value);
      else if (isTyped(control)) control.value = values[0] ?? "";
      else control.value = [...control.options].find((option) => option.value && values.includes(option.value))?.value ?? "";
    }
  }
  section.dispatchEvent(new CustomEvent("answershown"));
  for (const inner of section.querySelectorAll("[data-module]")) inner.dispatchEvent(new CustomEvent("answershown"));
}

/* Whether something was answered on the page before a script looked at it. */
export function isChanged(section) {
  return [...partsOf(section).values()].flat().some((control) => {
    if (isPicked(control)) return control.checked !== control.defaultChecked;
    if (isTyped(control)) return control.value !== control.defaultValue;
    return [...control.options].some((option) => option.selected !== option.defaultSelected && (option.value || option.defaultSelected));
  });
}

/* Says how a number was read, and counts the characters of a text. */
export function note(section, notes) {
  for (const [part, { text, is_read: isRead }] of Object.entries(notes ?? {})) {
    const place = noteOf(section, part);
    if (!place) continue;
    // The same words again would be said again.
    if (place.textContent !== text) place.textContent = text;
    place.toggleAttribute("data-unread", !isRead);
    for (const control of partsOf(section).get(part) ?? []) {
      if (isRead) control.removeAttribute("aria-invalid");
      else control.setAttribute("aria-invalid", "true");
    }
  }
}

export function countCharacters(section) {
  for (const place of section.querySelectorAll("[data-count]")) {
    const text = partsOf(section).get(place.dataset.count.slice(place.dataset.count.indexOf("-") + 1))?.[0]?.value ?? "";
    const count = [...text].length;
    const { least, most } = place.dataset;
    const words = [place.dataset.word.replace("{count}", count)];
    if (least && count && count < Number(least)) words.push(place.dataset.wordLeast.replace("{count}", Number(least) - count));
    if (most && count > Number(most)) words.push(place.dataset.wordMost.replace("{count}", count - Number(most)));
    place.textContent = words.join(" · ");
    place.toggleAttribute("data-over", Boolean(most) && count > Number(most));
  }
}
