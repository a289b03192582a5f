/*
 * Buttons that write Markdown into a textarea (data-for): one stop for the Tab key, arrow keys between them, Escape back into the text,
 * Alt+F10 from the text to the buttons. What a button writes stands in data-text; `{}` is where the selection goes.
 */
import { clausesOf, replaceRange } from "../shared/writing.js";

const LEVELS = ["", "S1", "S2", "S3", "S4"];

export default function markdownToolbar(bar) {
  const textarea = document.getElementById(bar.dataset.for);
  const buttons = [...bar.querySelectorAll("button")];
  const said = bar.parentElement.querySelector('[data-slot="tool-said"]');

  const picker = bar.parentElement.querySelector('[data-slot="image"]');

  function stopAt(button) {
    for (const each of buttons) each.tabIndex = each === button ? 0 : -1;
    button.focus();
  }

  bar.addEventListener("keydown", (event) => {
    const place = buttons.indexOf(document.activeElement);
    const last = buttons.length - 1;
    const next = { ArrowRight: place + 1, ArrowDown: place + 1, ArrowLeft: place - 1, ArrowUp: place - 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") textarea.focus();
    else if (next === undefined || place === -1) return;
    else stopAt(buttons[(next + buttons.length) % buttons.length]);
    event.preventDefault();
  });

  textarea.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.altKey && event.key === "F10") {
      event.preventDefault();
      stopAt(buttons.find((button) => button.tabIndex === 0) ?? buttons[0]);
      return;
    }
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    const button = buttons.find((each) => each.dataset.key === event.key.toLowerCase());
    if (button) {
      event.preventDefault();
      write(button);
    }
  });

  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    for (const each of buttons) each.tabIndex = each === button ? 0 : -1;
    write(button);
  });

  function write(button) {
    said.textContent = "";
    const { selectionStart: start, selectionEnd: end, value } = textarea;
    const chosen = value.slice(start, end);
    const [before, after = ""] = button.dataset.text.split("{}");
    switch (button.dataset.tool) {
      case "line": return writeLines(before);
      case "wrap": return replaceRange(textarea, start, end, before + chosen + after, [before.length, before.length + chosen.length]);
      case "block": return writeBlock(before, chosen, after);
      case "clause": return replaceRange(textarea, start, end, before);
      case "footnote": return writeFootnote(end);
      case "image": return picker.click();
      case "sensitivity": return label(start);
      default: return undefined;
    }
  }

  /* Before each line that is selected, once. */
  function writeLines(mark) {
    const { selectionStart, selectionEnd, value } = textarea;
    const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
    const stop = value.indexOf("\n", selectionEnd);
    const end = stop === -1 ? value.length : stop;
    const lines = value.slice(start, end).split("\n").map((line) => (line.startsWith(mark) ? line : mark + line));
    replaceRange(textarea, start, end, lines.join("\n"));
  }

  /* A paragraph of its own, with blank lines around it. */
  function writeBlock(before, chosen, after) {
    const { selectionStart: start, selectionEnd: end, value } = textarea;
    const above = start === 0 || value.slice(0, start).endsWith("\n\n") ? "" : value[start - 1] === "\n" ? "\n" : "\n\n";
    const rest = value.slice(end);
    const below = rest === "" || rest === "\n" || rest.startsWith("\n\n") ? "" : rest.startsWith("\n") ? "\n" : "\n\n";
    const at = above.length + before.length;
    replaceRange(textarea, start, end, above + before + chosen + after + below, [at, at + chosen.length]);
  }

  /* The number at the caret, the note at the end of the text, and the caret in it. */
  function writeFootnote(at) {
    const numbers = [...textarea.value.matchAll(/\[\^(\d+)\]/g)].map((found) => Number(found[1]));
    const name = `[^${Math.max(0, ...numbers) + 1}]`;
    replaceRange(textarea, at, at, name);
    const { value } = textarea;
    const last = /\n\[\^[^\]]+\]:.*\n*$/.test(value) ? "" : "\n";
    const gap = value.endsWith("\n") ? last : `\n${last}`;
    replaceRange(textarea, value.length, value.length, `${gap}${name}: `);
  }

  /* Uploads a picture and writes it at the caret, ready for the words that say what it shows. */
  async function upload(file) {
    const body = new FormData();
    body.append("image", file);
    said.textContent = bar.dataset.wordUploading;
    try {
      const response = await fetch(bar.dataset.imageUrl, {
        method: "POST", body, credentials: "same-origin", headers: { Accept: "application/json", "X-CSRFToken": bar.dataset.csrf },
      });
      const reply = await response.json();
      if (!response.ok) {
        said.textContent = reply.message;
        return;
      }
      const [before, after] = reply.markdown.split("{}");
      const { selectionStart: start, selectionEnd: end, value } = textarea;
      const chosen = value.slice(start, end);
      replaceRange(textarea, start, end, before + chosen + after, [before.length, before.length + chosen.length]);
      said.textContent = bar.dataset.wordUploaded;
    } catch {
      said.textContent = bar.dataset.wordFailed;
    }
  }

  picker.addEventListener("change", () => {
    const [file] = picker.files;
    picker.value = "";
    if (file) upload(file);
  });
  textarea.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (!file || textarea.readOnly) return;
    event.preventDefault();
    upload(file);
  });

  /* The label of the clause that the caret is in: S1, S2, S3, S4, none. */
  function label(caret) {
    const clause = clausesOf(textarea.value).filter((each) => each.index <= caret).at(-1);
    if (!clause?.braces) {
      said.textContent = bar.dataset.wordNoHeading;
      return;
    }
    const now = /sensitivity=(S\d)/.exec(clause.braces)?.[1] ?? "";
    const next = LEVELS[(LEVELS.indexOf(now) + 1) % LEVELS.length];
    const bare = clause.braces.replace(/[ \t]+sensitivity=\S+?(?=[ \t}])/, "");
    const braces = next ? bare.replace(/[ \t]*\}$/, ` sensitivity=${next}}`) : bare;
    const line = textarea.value.slice(clause.index, clause.end);
    const start = clause.index + line.lastIndexOf(clause.braces);
    const shift = caret > start ? braces.length - clause.braces.length : 0;
    replaceRange(textarea, start, start + clause.braces.length, braces);
    textarea.setSelectionRange(caret + shift, caret + shift);
    said.textContent = bar.dataset.wordLevel.replace("{level}", next || "S0");
  }
}
