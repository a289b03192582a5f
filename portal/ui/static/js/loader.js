/*
 * The one script of every page. It attaches behaviours to elements:
 *
 *   <div data-module="copy-link" data-…>   loads   js/modules/copy-link.js   and calls its default export with the element.
 *
 * Rules of a module
 *   - One file per behaviour, named like its data-module value: lower-case words with hyphens (`quiz-attempt.js`). Several on one
 *     element are separated by blanks.
 *   - It exports one default function of its element, which may be async.
 *   - The page works without it. Words arrive translated in data- attributes; addresses and tokens too.
 *   - What several modules share stands in js/shared and is imported by them; it attaches to nothing.
 *   - It never submits or saves on Enter while an input method is composing (`event.isComposing`).
 * A module that fails is reported on the console and stops nothing else.
 * The page is `has-modules` from here on, and `modules-attached` once each of them has been tried.
 */

const version = new URL(import.meta.url).search;

async function attach(element, name) {
  try {
    if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error(`not a module name: ${name}`);
    const module = await import(new URL(`./modules/${name}.js${version}`, import.meta.url));
    await module.default(element);
  } catch (error) {
    console.error(`module ${name}:`, error);
  }
}

document.documentElement.classList.add("has-modules");
const attaching = [...document.querySelectorAll("[data-module]")].flatMap((element) =>
  element.dataset.module.split(/\s+/).filter(Boolean).map((name) => attach(element, name)));
Promise.all(attaching).then(() => document.documentElement.classList.add("modules-attached"));
