/* Writing into a textarea so that the browser's own undo takes it back, and where in it a place is. */

/* Replaces a range; the caret stands behind it, or `select` ([from, to] within the new text) is selected. */
export function replaceRange(textarea, start, end, text, select = null) {
  textarea.focus();
  textarea.setSelectionRange(start, end);
  // The one way that keeps undo; where a browser has given it up, the plain one.
  const isDone = text ? document.execCommand("insertText", false, text) : start === end || document.execCommand("delete");
  if (!isDone) {
    textarea.setRangeText(text, start, end, "end");
    textarea.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  if (select) textarea.setSelectionRange(start + select[0], start + select[1]);
}

/* Adds texts at places (from the end on) and leaves the caret between the same signs as before. */
export function insertAt(textarea, inserts) {
  for (const [index, text] of [...inserts].sort(([a], [b]) => b - a)) textarea.setRangeText(text, index, index, "preserve");
}

/* Where a line begins, counted from 1. */
export function startOfLine(text, line) {
  let index = 0;
  for (let number = 1; number < line; number += 1) {
    const next = text.indexOf("\n", index);
    if (next === -1) return text.length;
    index = next + 1;
  }
  return index;
}

export const lineAt = (text, index) => text.slice(0, index).split("\n").length;

const COPIED = ["boxSizing", "width", "fontFamily", "fontSize", "fontWeight", "fontStyle", "letterSpacing", "lineHeight", "tabSize", "textIndent",
  "paddingTop", "paddingRight", "paddingBottom", "paddingLeft", "borderTopWidth", "borderRightWidth", "borderBottomWidth", "borderLeftWidth",
  "wordBreak", "lineBreak", "overflowWrap", "wordSpacing"];

/* Where a sign of a textarea stands, in pixels from the top left corner of its text: { top, left, height }. */
export function placeOf(textarea, index) {
  const mirror = document.createElement("div");
  const style = getComputedStyle(textarea);
  for (const name of COPIED) mirror.style[name] = style[name];
  Object.assign(mirror.style, { position: "absolute", visibility: "hidden", top: "0", left: "0", whiteSpace: "pre-wrap", overflow: "hidden", height: "auto", borderStyle: "solid" });
  mirror.lang = textarea.lang;
  mirror.textContent = textarea.value.slice(0, index);
  const sign = document.createElement("span");
  sign.textContent = textarea.value.slice(index, index + 1).trim() || "\u200b";
  mirror.append(sign);
  document.body.append(mirror);
  const place = { top: sign.offsetTop, left: sign.offsetLeft, height: sign.offsetHeight };
  mirror.remove();
  return place;
}

/* Puts the caret at a sign and brings it into sight. */
export function goTo(textarea, index, { focus = true } = {}) {
  if (focus) textarea.focus({ preventScroll: true });
  textarea.setSelectionRange(index, index);
  textarea.scrollTop = Math.max(0, placeOf(textarea, index).top - textarea.clientHeight / 5);
}

/* The clauses of a Markdown text, as far as a page needs to know: [{ anchor, heading, index, end, level }]. */
export function clausesOf(text) {
  const found = [];
  let isCode = false;
  let index = 0;
  for (const line of text.split("\n")) {
    if (/^ {0,3}(```|~~~)/.test(line)) isCode = !isCode;
    const heading = isCode ? null : /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*$/.exec(line);
    if (heading) {
      const braces = /\{#([a-z][a-z0-9-]{0,59})([^{}]*)\}[ \t#]*$/.exec(heading[2]);
      found.push({
        anchor: braces?.[1] ?? "", heading: heading[2].replace(/[ \t]*\{#[^{}]*\}[ \t#]*$/, ""), level: heading[1].length,
        index, end: index + line.length, braces: braces?.[0].trimEnd() ?? "",
      });
    }
    index += line.length + 1;
  }
  return found;
}
