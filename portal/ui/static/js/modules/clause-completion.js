/*
 * `[[` in a textarea offers clauses at the caret: those of this text at once, others from the search (data-search-url), as a listbox that
 * the arrow keys choose in; Enter or Tab takes, Escape closes. Never while an input method is composing. With data-whole a field holds
 * one clause and nothing else: whatever is typed there is looked for. With data-names it holds names with commas between them, and the
 * names of that datalist are offered for the one at the caret, or with the arrow key for an empty place; the browser's own list steps back.
 */
import { clausesOf, placeOf, replaceRange } from "../shared/writing.js";

const WAIT_MS = 200;
const MOST = 10;
const fold = (text) => text.normalize("NFKC").toLowerCase();

export default function clauseCompletion(textarea) {
  const { dataset } = textarea;
  const list = document.createElement("ul");
  const live = document.createElement("span");
  list.className = "completion";
  list.id = `${textarea.id}-clauses`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", dataset.wordLabel);
  list.hidden = true;
  live.className = "visually-hidden";
  live.setAttribute("role", "status");
  textarea.after(list, live);
  textarea.setAttribute("aria-autocomplete", "list");
  textarea.setAttribute("aria-haspopup", "listbox");
  textarea.setAttribute("aria-controls", list.id);
  const names = dataset.names ? document.getElementById(dataset.names) : null;
  if (names) textarea.removeAttribute("list");
  let options = [];
  let chosen = -1;
  let timer;
  let asking;

  /* What is written after `[[`, and where that begins; null where the caret is at no such place. */
  function asked() {
    const { selectionStart: caret, selectionEnd, value } = textarea;
    if (caret !== selectionEnd) return null;
    if (names) {
      const before = /[^,、，\s]*$/.exec(value.slice(0, caret))[0];
      const behind = /^[^,、，\s]*/.exec(value.slice(caret))[0];
      return { text: before, start: caret - before.length, caret: caret + behind.length };
    }
    if (dataset.whole) {
      const whole = /^\s*(?:\[\[)?([^[\]\n]{1,60})$/.exec(value.slice(0, caret));
      return whole ? { text: whole[1], start: 0, caret: value.length } : null;
    }
    const found = /\[\[([^[\]\n]{0,60})$/.exec(value.slice(Math.max(0, caret - 64), caret));
    return found ? { text: found[1], start: caret - found[1].length, caret } : null;
  }

  function close() {
    clearTimeout(timer);
    asking?.abort();
    options = [];
    chosen = -1;
    list.hidden = true;
    list.replaceChildren();
    textarea.removeAttribute("aria-activedescendant");
  }

  function choose(number) {
    chosen = number;
    for (const [place, element] of [...list.children].entries()) element.setAttribute("aria-selected", String(place === chosen));
    const element = list.children[chosen];
    if (!element) return textarea.removeAttribute("aria-activedescendant");
    textarea.setAttribute("aria-activedescendant", element.id);
    element.scrollIntoView({ block: "nearest" });
  }

  function show(found, place) {
    options = found;
    list.replaceChildren(...found.map(({ address, heading, title }, number) => {
      const element = document.createElement("li");
      element.className = "completion__option";
      element.id = `${list.id}-${number}`;
      element.setAttribute("role", "option");
      const words = document.createElement("span");
      words.textContent = heading || address;
      const small = document.createElement("span");
      small.className = "completion__address";
      small.textContent = title ? `${title}, ${address}` : address;
      element.append(words, ...(heading || title ? [small] : []));
      return element;
    }));
    list.hidden = found.length === 0;
    live.textContent = found.length ? dataset.wordFound.replace("{number}", found.length) : dataset.wordNone;
    if (!found.length) return textarea.removeAttribute("aria-activedescendant");
    const { top, left, height } = placeOf(textarea, place);
    // Of one line all is the same line.
    const below = dataset.whole || names ? textarea.offsetHeight : top - textarea.scrollTop + height;
    list.style.insetBlockStart = `${textarea.offsetTop + below}px`;
    list.style.insetInlineStart = `${textarea.offsetLeft + Math.max(0, Math.min(left, textarea.clientWidth - list.offsetWidth))}px`;
    // Whoever has typed nothing chooses first.
    choose(names && !asked()?.text ? -1 : 0);
  }

  function named(text) {
    const written = new Set(textarea.value.split(/[,、，\s]+/));
    return [...names.options].map(({ dataset: { name } }) => name)
      .filter((name) => fold(name).includes(fold(text)) && (name === text || !written.has(name)))
      .map((name) => ({ address: name, heading: "", title: "" }));
  }

  function own(text) {
    if (names) return named(text);
    const wanted = fold(text.replace(/^[^#]*#/, ""));
    const slug = text.includes("#") ? text.slice(0, text.indexOf("#")) : "";
    if (slug && slug !== dataset.slug) return [];
    const written = clausesOf(textarea.value);
    // Of a market's text: the clauses of its base, to which links may lead as well.
    const others = JSON.parse(dataset.clauses ?? "[]").filter(({ anchor }) => !written.some((each) => each.anchor === anchor));
    return [...written, ...others]
      .filter(({ anchor, heading }) => anchor && (anchor.includes(wanted) || fold(heading).includes(wanted)))
      .map(({ anchor, heading }) => ({ address: `#${anchor}`, heading, title: "" }));
  }

  async function look() {
    if (!asked()) return close();
    const { text, start } = asked();
    const here = own(text);
    show(here.slice(0, MOST), start);
    if (!dataset.searchUrl || !text.trim() || here.length >= MOST) return undefined;
    asking?.abort();
    asking = new AbortController();
    try {
      const address = new URL(dataset.searchUrl, location.href);
      address.searchParams.set("q", text.replace("#", " "));
      const response = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin", signal: asking.signal });
      if (!response.ok) return undefined;
      const found = await response.json();
      if (asked()?.text !== text) return undefined;
      const others = found.filter(({ address: each }) => !each.startsWith(`${dataset.slug}#`));
      show([...here, ...others].slice(0, MOST), start);
    } catch { /* Without the search the clauses of this text are offered. */ }
    return undefined;
  }

  function take(number) {
    const place = asked();
    const option = options[number];
    if (!place || !option) return;
    if (dataset.whole) {
      close();
      replaceRange(textarea, 0, textarea.value.length, `[[${option.address}]]`);
      return close();
    }
    if (names) {
      close();
      const isLast = !textarea.value.slice(place.caret).trim();
      replaceRange(textarea, place.start, place.caret, `${option.address}${isLast ? ", " : ""}`);
      return close();
    }
    const isClosed = textarea.value.startsWith("]]", place.caret);
    close();
    replaceRange(textarea, place.start, place.caret, `${option.address}${isClosed ? "" : "]]"}`);
    if (isClosed) textarea.setSelectionRange(textarea.selectionStart + 2, textarea.selectionStart + 2);
    close();
    return undefined;
  }

  textarea.addEventListener("input", (event) => {
    if (event.isComposing) return close();
    clearTimeout(timer);
    if (!asked()) return close();
    // What is here already is offered at once; the search waits until typing stops.
    timer = setTimeout(look, list.hidden || names ? 0 : WAIT_MS);
    return undefined;
  });
  textarea.addEventListener("compositionend", () => { if (asked()) timer = setTimeout(look, 0); });
  textarea.addEventListener("compositionstart", close);
  textarea.addEventListener("keydown", (event) => {
    if (names && list.hidden && event.key === "ArrowDown" && !event.isComposing && !event.altKey) {
      event.preventDefault();
      look();
      return;
    }
    if (event.isComposing || list.hidden || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = { ArrowDown: chosen + 1, ArrowUp: Math.max(chosen, 0) - 1 }[event.key];
    if (next !== undefined) choose((next + options.length) % options.length);
    else if (chosen < 0 && event.key !== "Escape") {
      // Whoever leaves without having chosen finds no old list when she comes back at once.
      if (event.key === "Tab") close();
      return;
    }
    else if (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) take(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  textarea.addEventListener("blur", () => setTimeout(() => { if (document.activeElement !== textarea) close(); }, 150));
  textarea.addEventListener("scroll", () => { if (!list.hidden) close(); });
  textarea.addEventListener("click", () => { if (!asked()) close(); });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const element = event.target.closest('[role="option"]');
    if (element) take([...list.children].indexOf(element));
  });
}
