/*
 * The page on which a draft is written: saves each text two seconds after its last change and says so in one of four words, shows what it will
 * look like, follows the caret in the list of clauses, and tells who else is at it. Without it the forms of the page do the same.
 *
 * What has been sent and not been answered is sent again unchanged, so a save whose answer was lost counts once. Only text that the server has
 * not acknowledged is kept, in this tab's sessionStorage. Where somebody else had saved other clauses, the server joins both; the text that
 * results comes into the page when she stops typing, with the caret among the same words. Nothing is saved, and nothing in the text changed, while an input method is composing.
 */
import { clausesOf, goTo, insertAt, lineAt, startOfLine } from "../shared/writing.js";

const SAVE_MS = 2_000;
const LONGEST_MS = 15_000;
const PREVIEW_MS = 600;
const KEEP_MS = 500;
const PULSE_MS = 20_000;
const TIMEOUT_MS = 20_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
// What a server, a proxy or a lost connection may answer differently in a moment.
const HEALS = (status) => status === 401 || status === 408 || status === 425 || status === 429 || status >= 500;
const FIELDS = ["title", "summary", "what_to_do_differently", "attestation", "source"];
const isSame = (one, other) => FIELDS.every((name) => one[name] === other[name]);

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

export default function draftEditor(root) {
  const { dataset } = root;
  const page = root.closest("main");
  const sides = new Map();
  let isOpen = "open" in dataset;
  let isLeaving = false;
  let lastSide = null;

  async function post(url, body, options = {}) {
    const response = await fetch(url, {
      method: "POST", credentials: "same-origin", body: JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": dataset.csrf }, ...options,
    });
    return [response.status, await response.json().catch(() => ({})), Number(response.headers.get("Retry-After")) * 1_000 || 0];
  }

  /* --- one text --- */

  function side(section) {
    const tag = section.dataset.language;
    const form = section.querySelector("form");
    const textarea = form.elements.source;
    const state = form.querySelector(".save-state");
    const preview = form.querySelector(".editor__read");
    const find = (name) => form.querySelector(`[data-slot="${name}"]`);
    const place = `draft:${dataset.code}:${tag}`;
    let revision = Number(form.elements.revision.value);
    let base = JSON.parse(form.elements.base.value || "null");
    // A text that was joined while she went on writing: what had been sent, and what it became.
    let joined = null;
    // As the page came: what was written before this script did is not saved.
    let saved = Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].defaultValue]));
    let savedAt = state.dataset.time ?? "";
    let attempt = null;
    let isSending = false;
    let isComposing = false;
    let isRefused = false;
    let isAside = false;
    let aside = "";
    let failures = 0;
    let firstChange = 0;
    let askedFor = null;
    let saveTimer;
    let keepTimer;
    let showTimer;
    let showing;
    let shown = textarea.value;
    form.dataset.view = "write";

    function read() {
      return Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value]));
    }
    // What was put aside is kept: nothing is lost when the page is left.
    const isUnsaved = () => attempt !== null || (!isAside && !isSame(read(), saved));

    function say(name, time = "") {
      state.dataset.state = name;
      state.hidden = false;
      state.querySelector('[data-slot="word"]').textContent = state.getAttribute(`data-word-${name}`).replace("{time}", time);
    }

    function tell(text, href = "", word = "") {
      const notice = find("notice");
      notice.replaceChildren();
      if (!text) return;
      const line = make("p", "", `${text} `);
      if (href) {
        const link = make("a", "", word);
        link.href = href;
        line.append(link);
      }
      notice.append(line);
    }

    function keep() {
      try {
        if (isUnsaved()) sessionStorage.setItem(place, JSON.stringify({ revision, base, values: read() }));
        else sessionStorage.removeItem(place);
      } catch { /* full or forbidden */ }
    }

    function setReadOnly() {
      for (const name of FIELDS) form.elements[name].readOnly = true;
      for (const button of form.querySelectorAll("button[type=submit], .editor__tool")) button.disabled = true;
      say("read_only");
    }

    /* --- saving --- */

    function queue(delay = SAVE_MS) {
      if (!isOpen || isAside) return;
      isRefused = false;
      firstChange ||= performance.now();
      clearTimeout(keepTimer);
      keepTimer = setTimeout(keep, KEEP_MS);
      if (failures) return;
      if (isUnsaved()) say("saving");
      clearTimeout(saveTimer);
      saveTimer = setTimeout(save, Math.max(0, Math.min(delay, firstChange + LONGEST_MS - performance.now())));
    }

    /* The line on which somebody is just writing a heading: its id waits for the whole of it. */
    const caretLine = () => (document.activeElement === textarea ? lineAt(textarea.value, textarea.selectionStart) : null);

    async function save({ now = false, leaves = false } = {}) {
      clearTimeout(saveTimer);
      if (!isOpen || isSending || isComposing || isRefused || (isAside && attempt === null)) return;
      if (attempt === null) {
        const values = read();
        const wantsIds = askedFor !== values.source && clausesOf(values.source).some((each) => !each.anchor);
        if (isSame(values, saved) && !wantsIds) {
          settle();
          return;
        }
        const line = now || leaves ? null : caretLine();
        if (wantsIds && line === null) askedFor = values.source;
        attempt = { ...values, revision, base, line, aside };
      }
      firstChange = 0;
      isSending = true;
      say(failures ? "retrying" : "saving");
      try {
        took(...await post(form.action, attempt, leaves ? { keepalive: true, signal: undefined } : {}));
      } catch {
        retry(0);
      } finally {
        isSending = false;
      }
      if (attempt === null && !isAside && !isRefused && isUnsaved()) queue();
    }

    function settle() {
      firstChange = 0;
      if (joined && !isComposing && isSame(read(), joined.sent)) load(joined.reply);
      if (!isAside && isOpen && savedAt) say("saved", savedAt);
      keep();
    }

    function took(status, reply, wait) {
      const sent = attempt;
      if (status === 200) {
        failures = 0;
        attempt = null;
        saved = Object.fromEntries(FIELDS.map((name) => [name, sent[name]]));
        savedAt = reply.saved_at;
        const by = find("saved-by");
        if (by) by.hidden = true;
        if (reply.values) {
          // While she goes on writing it is told once.
          if (!joined) tell(reply.message);
          if (!isComposing && isSame(read(), sent)) load(reply);
          else {
            joined = { sent: saved, reply };
            base = reply.sent_base;
          }
        } else {
          if (!joined) tell("");
          joined = null;
          writtenOn(reply);
          takeIds(sent.source, reply.source);
        }
        listProblems(reply.problems);
        listClauses(reply.clauses);
        if (!isUnsaved()) settle();
        return;
      }
      if (status === 409 && reply.aside) {
        failures = 0;
        attempt = null;
        aside = reply.aside;
        // What was written while this one was on its way goes aside too.
        const isMore = !isSame(read(), sent);
        isAside = true;
        if (isMore) attempt = { ...read(), revision: sent.revision, base: sent.base, line: null, aside };
        keep();
        setReadOnly();
        tell(reply.message, reply.aside_href, dataset.wordCompare);
        if (isMore) setTimeout(save, 0);
        return;
      }
      if (status === 409) {
        close(reply.message);
        return;
      }
      if (HEALS(status)) {
        if (status === 401) tell(dataset.wordSignedOut);
        retry(wait);
        return;
      }
      attempt = null;
      isRefused = true;
      keep();
      say("refused");
      tell(reply.message ?? dataset.wordNewer);
    }

    function retry(wait) {
      failures += 1;
      say("retrying");
      keep();
      const longest = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
      clearTimeout(saveTimer);
      saveTimer = setTimeout(save, wait + longest * (0.5 + Math.random() / 2));
    }

    function writtenOn(reply) {
      revision = reply.revision;
      base = reply.base;
      form.elements.revision.value = revision;
      form.elements.base.value = JSON.stringify(base);
      if (tag === dataset.deciding) root.querySelector('input[name="deciding"]').value = revision;
    }

    /* Another text takes the place of what stands there; the caret stays among the same words of its clause. */
    function load(reply) {
      const [before, after] = [textarea.value, reply.values.source];
      const ends = [textarea.selectionStart, textarea.selectionEnd].map((index) => {
        const clause = clausesOf(before).filter((each) => each.index <= index).at(-1) ?? { anchor: "", index: 0 };
        const there = clause.anchor ? clausesOf(after).find((each) => each.anchor === clause.anchor)?.index : clause.index;
        return Math.min((there ?? clause.index) + index - clause.index, after.length);
      });
      const top = textarea.scrollTop;
      for (const name of FIELDS) if (form.elements[name].value !== reply.values[name]) form.elements[name].value = reply.values[name];
      if (before !== after) {
        textarea.setSelectionRange(...ends);
        textarea.scrollTop = top;
      }
      saved = read();
      joined = null;
      askedFor = null;
      writtenOn(reply);
      showTimer = setTimeout(show, PREVIEW_MS);
    }

    /* The server has written ids behind headings; they come into the text where nothing was changed since. */
    function takeIds(sent, kept) {
      if (sent === kept) return;
      if (isComposing || textarea.value !== sent) return;
      const before = sent.split("\n");
      const after = kept.split("\n");
      if (before.length !== after.length) {
        textarea.value = kept;
      } else {
        const inserts = [];
        let index = 0;
        for (const [number, line] of before.entries()) {
          if (line !== after[number]) {
            let start = 0;
            while (start < line.length && line[start] === after[number][start]) start += 1;
            const tail = line.length - start;
            inserts.push([index + start, after[number].slice(start, after[number].length - tail), tail]);
          }
          index += line.length + 1;
        }
        insertAt(textarea, inserts);
        if (textarea.value !== kept) textarea.value = kept;
      }
      saved.source = kept;
      askedFor = null;
    }

    /* --- what is wrong, what it looks like --- */

    function listProblems(problems) {
      find("trouble").hidden = problems.length === 0;
      find("problems").replaceChildren(...problems.map(({ line, text }) => {
        const entry = make("li");
        if (line) {
          const link = make("a", "", dataset.wordLine.replace("{number}", line));
          link.href = `#line-${line}`;
          entry.append(link, " ");
        }
        entry.append(text);
        return entry;
      }));
    }

    async function show() {
      clearTimeout(showTimer);
      if (isComposing || form.dataset.view === "write" || shown === textarea.value) return;
      showing?.abort();
      showing = new AbortController();
      const source = textarea.value;
      try {
        const [status, reply] = await post(preview.dataset.previewUrl, { language: tag, source }, { signal: showing.signal });
        if (status !== 200) throw new Error(String(status));
        shown = source;
        const box = find("preview");
        const top = box.scrollTop;
        box.innerHTML = reply.html;
        box.scrollTop = top;
        listProblems(reply.problems);
      } catch { /* The next change asks again; saving says what is wrong. */ }
    }

    function view(name) {
      form.dataset.view = name;
      for (const button of form.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === name));
      show();
    }

    /* --- where one is --- */

    function goToClause(anchor, focus) {
      const clause = anchor === "top" ? { index: 0 } : clausesOf(textarea.value).find((each) => each.anchor === anchor);
      const target = document.getElementById(`${tag}-${anchor}`);
      const box = find("preview");
      if (target && box.offsetParent) box.scrollTop = target.offsetTop - box.offsetTop;
      if (!clause || form.dataset.view === "read") return;
      goTo(textarea, clause.index, { focus });
    }

    function goToLine(line) {
      if (form.dataset.view === "read") view("write");
      goTo(textarea, startOfLine(textarea.value, line));
      textarea.scrollIntoView({ block: "nearest" });
    }

    form.addEventListener("input", () => {
      find("undoing").textContent = "";
      queue();
      clearTimeout(showTimer);
      if (!isComposing) showTimer = setTimeout(show, PREVIEW_MS);
    });
    form.addEventListener("compositionstart", () => { isComposing = true; });
    form.addEventListener("compositionend", () => {
      isComposing = false;
      queue();
      showTimer = setTimeout(show, PREVIEW_MS);
    });
    form.addEventListener("focusin", () => { lastSide = self; });
    textarea.addEventListener("blur", () => { if (isUnsaved() || clausesOf(textarea.value).some((each) => !each.anchor)) queue(0); });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      saveNow();
    });
    form.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const key = event.ctrlKey || event.metaKey ? event.key.toLowerCase() : "";
      if (key === "s") {
        event.preventDefault();
        saveNow();
      } else if (key === "z" || key === "y") lookWhatChanges(key === "y" || event.shiftKey);
      else if (event.key === "Enter" && event.target === form.elements.title) event.preventDefault();
    });
    form.querySelector(".editor__views").addEventListener("click", ({ target }) => {
      const button = target.closest("[data-view]");
      if (button) view(button.dataset.view);
    });
    find("problems").addEventListener("click", (event) => {
      const link = event.target.closest("a");
      const line = /#line-(\d+)$/.exec(link?.href ?? "");
      if (!line) return;
      event.preventDefault();
      goToLine(Number(line[1]));
    });

    /* The browser takes back what was typed, in whichever field that was; where nothing is left it says nothing. */
    function lookWhatChanges(isRedo) {
      const everything = () => JSON.stringify([...sides.values()].map((each) => each.read()));
      const before = everything();
      const place = find("undoing");
      place.textContent = "";
      setTimeout(() => { if (everything() === before) place.textContent = isRedo ? dataset.wordNoRedo : dataset.wordNoUndo; }, 0);
    }

    async function saveNow() {
      await flush();
      if (!isUnsaved()) find("said").textContent = state.textContent;
    }

    async function flush() {
      isRefused = false;
      if (failures) clearTimeout(saveTimer);
      await save({ now: true });
      // Another one was on its way: what came after it goes now.
      for (let tries = 0; tries < 100 && isSending; tries += 1) await new Promise((done) => { setTimeout(done, 50); });
      if (attempt === null && isUnsaved()) await save({ now: true });
    }

    /* What an earlier visit of this tab could not send. */
    function restore() {
      let kept = null;
      try { kept = JSON.parse(sessionStorage.getItem(place)); } catch { /* forbidden or broken */ }
      if (!kept || isSame(kept.values, saved)) return isUnsaved() ? queue() : keep();
      if (kept.revision === revision) {
        for (const name of FIELDS) form.elements[name].value = kept.values[name];
        queue(0);
      } else {
        // Somebody else has saved since: it goes aside, and the page shows what is saved.
        post(form.action, { ...kept.values, revision: kept.revision, base: kept.base ?? null, line: null, aside: "" }).then(([status, reply]) => {
          if (status !== 200 && status !== 409) return;
          keep();
          if (reply.values) {
            // What was written since then is joined with its next save.
            if (isSame(read(), saved)) load(reply);
            tell(reply.message);
          }
          if (reply.aside) tell(reply.message, reply.aside_href, dataset.wordCompare);
        }).catch(() => {});
      }
      return undefined;
    }

    const self = {
      tag, form, section, textarea, read, restore, flush, keep, isUnsaved, goToClause, goToLine, setReadOnly, tell,
      leave: () => save({ leaves: true }),
      isNewer: (number) => number > revision && !isSending && !isAside && !joined,
      clauseAtCaret: () => clausesOf(textarea.value).filter((each) => each.index <= textarea.selectionStart).at(-1)?.anchor ?? "top",
      lookAgain: () => { if (!isUnsaved() && askedFor !== textarea.value && clausesOf(textarea.value).some((each) => !each.anchor && lineAt(textarea.value, each.index) !== caretLine())) queue(KEEP_MS); },
    };
    return self;
  }

  function close(message) {
    isOpen = false;
    for (const [, each] of sides) {
      each.keep();
      each.setReadOnly();
      if (each.isUnsaved()) each.tell(dataset.wordClosed);
      else each.tell(message ?? "");
    }
  }

  /* --- the clauses --- */

  const rail = root.querySelector('[data-slot="clauses"]');
  const follow = root.querySelector('[data-slot="in-step"]');

  function listClauses(rows) {
    rail.replaceChildren(...rows.map((row) => {
      const name = row.state.replace(/_/g, "-").replace(/(^|-)(\w)/g, (_all, _dash, letter) => letter.toUpperCase());
      const entry = make("li", `editor__clause editor__clause--${row.level}`);
      const link = make("a", "", row.heading);
      link.href = `#${dataset.chosen}-${row.anchor}`;
      link.dataset.anchor = row.anchor;
      if (row.language !== document.documentElement.lang) link.lang = row.language;
      const where = make("span", "editor__clause-state");
      const status = make("span", `status status--${dataset[`tone${name}`]}`);
      const shape = make("span", `shape shape--${dataset[`shape${name}`]}`);
      shape.setAttribute("aria-hidden", "true");
      status.append(shape, make("span", "", dataset[`state${name}`]));
      where.append(status);
      if (row.can_follow && follow) {
        const button = make("button", "button button--quiet button--small", dataset.wordFollow);
        button.append(make("span", "visually-hidden", ` ${row.heading}`));
        Object.assign(button, { type: "submit", name: "clause", value: row.anchor });
        where.append(button);
      }
      entry.append(link, where);
      return entry;
    }));
    root.querySelector('[data-slot="no-clauses"]').hidden = rows.length > 0;
    const tools = root.querySelector('[data-slot="follow-tools"]');
    if (tools) tools.hidden = !rows.some((row) => row.can_follow);
    markClause();
  }

  function markClause() {
    const anchor = lastSide?.clauseAtCaret();
    for (const entry of rail.children) entry.toggleAttribute("data-current", entry.firstElementChild.dataset.anchor === anchor);
  }

  rail.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-anchor]");
    if (!link || !sides.size) return;
    event.preventDefault();
    const seen = [...sides.values()].filter((each) => each.section.offsetParent);
    const first = seen.includes(lastSide) ? lastSide : seen[0];
    for (const each of seen) if (each !== first) each.goToClause(link.dataset.anchor, false);
    first?.goToClause(link.dataset.anchor, true);
    lastSide = first;
    markClause();
  });

  follow?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { submitter } = event;
    for (const [, each] of sides) await each.flush();
    const body = new URLSearchParams(new FormData(follow));
    if (submitter) body.append(submitter.name, submitter.value);
    try {
      const response = await fetch(dataset.inStepUrl, { method: "POST", body, credentials: "same-origin", headers: { Accept: "application/json", "X-CSRFToken": dataset.csrf } });
      const reply = await response.json();
      const translation = [...sides.values()].find((each) => each.tag !== dataset.deciding);
      if (response.ok) {
        listClauses(reply.clauses);
        rail.querySelector("a")?.focus();
        translation?.tell("");
      } else translation?.tell(reply.message);
    } catch { follow.submit(); }
  });

  /* --- begin --- */

  if (isOpen) for (const section of root.querySelectorAll(".editor__side")) sides.set(section.dataset.language, side(section));
  lastSide = sides.get(dataset.chosen) ?? null;
  for (const [, each] of sides) each.restore();

  function choose(tag) {
    dataset.chosen = tag;
    for (const [, each] of sides) each.section.classList.toggle("editor__side--chosen", each.tag === tag);
    for (const link of root.querySelectorAll(".editor__languages a")) {
      if (new URL(link.href).searchParams.get("text") === tag) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    lastSide = sides.get(tag) ?? lastSide;
    const address = new URL(location.href);
    address.searchParams.set("text", tag);
    history.replaceState(null, "", address);
    markClause();
  }
  root.querySelector(".editor__languages").addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || !sides.size) return;
    event.preventDefault();
    choose(new URL(link.href).searchParams.get("text"));
  });

  const goToHash = () => {
    const line = /^#line-(\d+)$/.exec(location.hash);
    if (line) sides.get(dataset.chosen)?.goToLine(Number(line[1]));
  };
  addEventListener("hashchange", goToHash);
  goToHash();

  document.addEventListener("selectionchange", () => {
    const at = [...sides.values()].find((each) => each.textarea === document.activeElement);
    if (!at) return;
    markClause();
    at.lookAgain();
  });

  // Another form of the page leaves it: what is written goes first.
  page.addEventListener("submit", async (event) => {
    if (root.contains(event.target) || event.target.method !== "post" || isLeaving) return;
    if (![...sides.values()].some((each) => each.isUnsaved())) return;
    event.preventDefault();
    const { target, submitter } = event;
    for (const [, each] of sides) await each.flush();
    if ([...sides.values()].some((each) => each.isUnsaved())) return;
    isLeaving = true;
    target.requestSubmit(submitter);
  });

  addEventListener("beforeunload", (event) => {
    if (!isLeaving && [...sides.values()].some((each) => each.isUnsaved())) event.preventDefault();
  });
  const leave = () => { for (const [, each] of sides) { each.keep(); each.leave(); } };
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") leave();
    else pulse();
  });

  const others = page.querySelector('[data-slot="others"]');
  async function pulse() {
    if (!isOpen || document.visibilityState === "hidden") return;
    try {
      const response = await fetch(dataset.pulseUrl, { credentials: "same-origin", headers: { Accept: "application/json" } });
      if (!response.ok) return;
      const reply = await response.json();
      const words = reply.others.join(" ");
      if (others.textContent.trim() !== words) others.textContent = words;
      if (reply.state !== "writing") close();
      for (const [tag, each] of sides) if (each.isNewer(reply.revisions[tag] ?? 0)) each.tell(dataset.wordNewer, location.pathname + location.search, dataset.wordLoad);
    } catch { /* Saving says what is wrong with the connection. */ }
  }
  if (isOpen) setInterval(pulse, PULSE_MS);

  // On little width the list of clauses would stand in the way of the text.
  if (!matchMedia("(width >= 64rem)").matches) root.querySelector(".editor__fold").open = false;
}
