/*
 * Puts a copy button below each quoted text of a document: what a document quotes is there to be used.
 * The button is that of the page's <template data-copy-quote>; what it copies has a line for each line that is seen.
 */

import { copiesAtButton } from "../shared/copying.js";

const SHOWN = 40;

export default function copyQuotes(element) {
  const template = document.querySelector("template[data-copy-quote]");
  if (!template) return;
  for (const quote of element.querySelectorAll(".prose > blockquote")) {
    const copy = template.content.firstElementChild.cloneNode(true);
    // The button speaks the language of the page, whatever that of the text is.
    copy.lang = document.documentElement.lang;
    const about = document.createElement("span");
    about.className = "visually-hidden";
    about.lang = quote.closest("[lang]").lang;
    const words = quote.textContent.trim().replace(/\s+/g, " ");
    about.textContent = ` ${words.length > SHOWN ? `${words.slice(0, SHOWN)}…` : words}`;
    copy.querySelector("button > span").append(about);
    // What is covered, or folded, is laid out nowhere: its words are taken when they are asked for.
    copiesAtButton(copy, () => quote.innerText.trim());
    quote.after(copy);
  }
}
