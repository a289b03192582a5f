/*
 * The page on which a plan is written. Every edit is one of the forms of the page, sent without leaving it; the server answers with the list, its
 * drawing and the form of what is chosen, so both ways show the same. This module adds: bars that are dragged to another day, rows that are dragged
 * to another place, keys, a form that saves itself, undo with Ctrl+Z, and news of what others change meanwhile.
 *
 * Edits are sent one after the other; days that are added by keys while one is on its way go together. Nothing is sent while an input method is
 * composing. What cannot be sent is tried again, and leaving the page is asked about until it is. Each edit has a number: where only the answer was
 * lost, sending it again changes nothing more.
 */
const SAVE_MS = 1_200;
const PULSE_MS = 20_000;
const TIMEOUT_MS = 20_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
const WEEK = 5;
// Edits that go to and fro between what is saved: there is nothing in them that could be lost.
const GOES = new Set(["undo", "redo"]);
// Two presses within this time are one, also where the answer to the first comes between them.
const DOUBLE_MS = 600;

const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export default function planEditor(root) {
  const { dataset } = root;
  const slot = (name) => root.querySelector(`[data-slot="${name}"]`) ?? document.querySelector(`[data-slot="${name}"]`);
  const work = slot("work");
  const facts = slot("facts");
  const said = slot("said");
  let revision = Number(dataset.revision);
  let queue = [];
  let isSending = false;
  let failures = 0;
  let saveTimer;
  let isComposing = false;
  // Whether the form shows what was refused: it stays as it was typed.
  let isRefused = false;
  // The edit that is on its way, and the last one that added something.
  let current = null;
  let added = { act: "", at: 0 };
  // An answer to the form that arrived while somebody went on typing in it.
  let heldFacts = null;

  const form = () => facts.querySelector("#plan-part");
  const at = () => form()?.elements.at.value ?? "plan";
  const rows = () => [...root.querySelectorAll('[data-slot="rows"] > .plan-row')];
  const steps = () => rows().filter((row) => row.dataset.kind === "step");
  const titleOf = (row) => row?.querySelector("a.plan-row__title");
  const isOpen = () => "open" in dataset;

  function say(text) {
    // The same sentence twice is announced twice.
    said.textContent = said.textContent === text ? `${text}\u00a0` : text;
  }

  function state(name) {
    const place = work.querySelector(".save-state");
    if (!place) return;
    place.hidden = false;
    place.dataset.state = name;
    place.querySelector('[data-slot="word"]').textContent = place.getAttribute(`data-word-${name}`);
  }

  /* --- what is typed --- */

  const told = (element) => new URLSearchParams([...new FormData(element)].filter(([name, value]) => typeof value === "string" && !["form_key", "csrf_token"].includes(name))).toString();
  let savedForm = form() ? told(form()) : "";
  const isDirty = () => isOpen() && form() !== null && told(form()) !== savedForm;

  function queueSave(delay = SAVE_MS, isSettled = false) {
    clearTimeout(saveTimer);
    if (!isDirty() || isComposing) return;
    state("saving");
    saveTimer = setTimeout(() => save(isSettled), delay);
  }

  /* Puts what is typed in the queue. What was refused is sent again unchanged only where that is asked for. */
  function save(isSettled, isAsked = false) {
    clearTimeout(saveTimer);
    if (isComposing || !(isDirty() || (isAsked && isRefused && isOpen()))) return;
    queue = queue.filter((edit) => edit.name !== "save");
    queue.push({ name: "save", isSettled, isAsked });
    send();
  }

  /* --- sending --- */

  function edit(fields, focus = null) {
    if (!isOpen()) return;
    // What is typed goes first: the edit may show another form.
    if (isDirty()) queue.push({ name: "save", isSettled: true });
    const last = queue.at(-1);
    // What was sent already, and is sent again, says what it said.
    if (fields.act === "shift" && last?.fields?.act === "shift" && last.fields.step === fields.step && !last.wasSent) last.fields.days += fields.days;
    else queue.push({ name: "edit", fields, focus, number: random() });
    send();
  }

  function bodyOf(next) {
    const body = next.name === "save" ? new FormData(form()) : new FormData();
    if (next.name === "save") {
      if (next.isSettled) body.set("settled", "1");
      // Saved many times, and tried again as it is by then: the same twice is the same.
      body.delete("form_key");
    } else {
      body.set("form_key", next.number);
      body.set("at", at());
      for (const [name, value] of Object.entries(next.fields)) body.set(name, String(value));
    }
    return body;
  }

  async function send() {
    if (isSending || !queue.length) return;
    const next = queue.shift();
    // The list says whether there is anything to take back, as of the last answer.
    if (GOES.has(next.fields?.act) && work.querySelector(`button[value="${next.fields.act}"]`)?.disabled) {
      say(dataset.wordNothing);
      send();
      return;
    }
    isSending = true;
    current = next;
    next.wasSent = true;
    const sentAs = next.name === "save" ? told(form()) : null;
    try {
      state("saving");
      const response = await fetch(dataset.url, {
        method: "POST", credentials: "same-origin", body: bodyOf(next), signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: { Accept: "application/json", "X-CSRFToken": dataset.csrf },
      });
      if (response.status === 401) throw new Error("signed out", { cause: 401 });
      if (response.status >= 500 || response.status === 429) throw new Error(String(response.status));
      const answer = await response.json();
      failures = 0;
      take(answer, next, sentAs, response.ok);
    } catch (error) {
      current = null;
      queue.unshift(next);
      failures += 1;
      state("retrying");
      say(error.cause === 401 ? dataset.wordSignedOut : dataset.wordFailed);
      setTimeout(send, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 5)));
      isSending = false;
      return;
    }
    isSending = false;
    current = null;
    send();
  }

  /* --- what comes back --- */

  function take(answer, next, sentAs, isDone) {
    if (answer.work === undefined) {
      say(answer.message ?? answer.error ?? "");
      state("refused");
      return;
    }
    const wasAt = at();
    revision = answer.revision ?? revision;
    if (!answer.is_open) delete dataset.open;
    slot("others").textContent = answer.others;
    showWork(answer.work);
    if (next.name === "save" && isDone) {
      isRefused = false;
      // What was typed meanwhile is still to be saved; its marks are those of what is saved now.
      const goesOn = told(form()) !== sentAs;
      form().elements.was.value = answer.was;
      form().elements.at.value = answer.at;
      savedForm = sentAs;
      if (goesOn) {
        const marks = new URLSearchParams(sentAs);
        marks.set("was", answer.was);
        marks.set("at", answer.at);
        savedForm = marks.toString();
        queueSave();
      } else showFacts(answer.facts, { isSame: true, isSettled: next.isSettled });
      address(answer.at);
    } else if (next.name === "save") {
      state("refused");
      // What was asked for after it would take the form away; it is asked for again once this is mended.
      queue = [];
      // Of a part that is gone there is nothing left to send again.
      isRefused = answer.at === wasAt;
      if (answer.was) form().elements.was.value = answer.was;
      savedForm = told(form());
      showFacts(answer.facts, { isSame: true, isSettled: true });
      say(answer.said);
      showReason(next.isAsked);
    } else {
      if (!isRefused || wasAt !== answer.at) {
        isRefused = false;
        showFacts(answer.facts, { isSame: wasAt === answer.at, isSettled: true });
      }
      address(answer.at);
      reveal();
      if (answer.said) say(answer.said);
      focusOn(next.focus ?? (next.fields.act.startsWith("add_") ? "form" : next.fields.act.startsWith("remove_") ? "row" : null), answer.at);
      // What cannot be taken back is saved all the same.
      if (!isDone && !GOES.has(next.fields.act)) state("refused");
    }
  }

  function showWork(html) {
    const active = document.activeElement;
    const held = work.contains(active) ? active.id || active.closest("[data-slug]")?.querySelector("a")?.id || active.value : null;
    const scrolled = work.querySelector(".plan-board__days")?.scrollLeft;
    const isFolded = work.querySelector(".plan-problems")?.open === false;
    work.innerHTML = html;
    const days = work.querySelector(".plan-board__days");
    if (days && scrolled !== undefined) days.scrollLeft = scrolled;
    if (isFolded && work.querySelector(".plan-problems")) work.querySelector(".plan-problems").open = false;
    if (held) (document.getElementById(held) ?? work.querySelector(`[value="${CSS.escape(held)}"]`))?.focus({ preventScroll: true });
  }

  /* Brings the bar of what is chosen into sight, sideways only. */
  function reveal() {
    const days = work.querySelector(".plan-board__days");
    const bar = work.querySelector(".plan-chart__step[data-chosen] .plan-chart__bar");
    if (!days || !bar) return;
    const [frame, box] = [days.getBoundingClientRect(), bar.getBoundingClientRect()];
    const margin = Math.min(frame.width / 4, 96);
    if (box.right > frame.right - margin) days.scrollLeft += box.right - frame.right + margin;
    else if (box.left < frame.left + margin) days.scrollLeft += box.left - frame.left - margin;
  }

  /* Why nothing was saved is brought into sight, and the reader to it where she asked for saving. */
  function showReason(isAsked) {
    const reason = facts.querySelector(".error-summary");
    if (isAsked) reason?.focus({ preventScroll: true });
    reason?.scrollIntoView({ block: "nearest" });
  }

  /* The form is put in the place of the old one unless somebody is typing in it. */
  function showFacts(html, { isSame, isSettled }) {
    const active = document.activeElement;
    const isTyping = facts.contains(active) && active.matches("input:not([type=checkbox]), textarea");
    if (isSame && isTyping && !isSettled) {
      heldFacts = html;
      savedForm = told(form());
      return;
    }
    const id = isSame && facts.contains(active) ? active.id : null;
    const value = id ? null : isSame && facts.contains(active) ? active.value : null;
    const name = active.name;
    const opened = isSame ? [...facts.querySelectorAll("details")].map((each) => each.open) : [];
    const place = isTyping ? [active.selectionStart, active.selectionEnd] : null;
    facts.innerHTML = html;
    heldFacts = null;
    if (opened.length === facts.querySelectorAll("details").length) facts.querySelectorAll("details").forEach((each, index) => { each.open ||= opened[index]; });
    attach();
    savedForm = form() ? told(form()) : "";
    const again = id ? document.getElementById(id) : value ? facts.querySelector(`[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`) : null;
    again?.focus({ preventScroll: true });
    if (again && place && again.setSelectionRange && again.type !== "date") again.setSelectionRange(...place);
  }

  /* Modules of what came in later: the loader has attached those of the page. */
  async function attach() {
    for (const element of facts.querySelectorAll('[data-module="confirm"]')) {
      const module = await import("./confirm.js");
      module.default(element);
    }
  }

  function address(where) {
    const url = new URL(location.href);
    url.searchParams.set("at", where);
    history.replaceState(null, "", url);
  }

  function focusOn(what, where) {
    if (what === "form") {
      const field = facts.querySelector("#plan-part input:not([type=hidden]), #plan-part select");
      (field ?? facts.querySelector("h2")).focus();
    } else if (what === "row") (document.getElementById(`row-${where}`) ?? facts.querySelector("h2"))?.focus({ preventScroll: false });
  }

  /* --- choosing --- */

  async function choose(where, focus = null) {
    const isSaved = isDirty();
    if (isSaved) save(true);
    const url = new URL(dataset.url, location.href);
    url.searchParams.set("at", where);
    try {
      while (isSending || queue.length) await new Promise((done) => setTimeout(done, 50));
      // What was typed is wrong: it is shown once before it is left.
      if (isSaved && isRefused) return;
      isRefused = false;
      const response = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" }, signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!response.ok) throw new Error(String(response.status));
      const answer = await response.json();
      revision = answer.revision;
      slot("others").textContent = answer.others;
      showWork(answer.work);
      showFacts(answer.facts, { isSame: false, isSettled: true });
      address(answer.at);
      reveal();
      focusOn(focus, answer.at);
    } catch {
      location.assign(url);
    }
  }

  root.addEventListener("click", (event) => {
    const link = event.target.closest("a[href*='?at=']");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    choose(new URL(link.href).searchParams.get("at"), "form");
  });

  root.addEventListener("submit", (event) => {
    const { target, submitter } = event;
    event.preventDefault();
    if (target.id === "plan-part") {
      save(true, true);
      return;
    }
    const fields = Object.fromEntries([...new FormData(target, submitter)].filter(([name]) => !["csrf_token", "form_key", "at"].includes(name)));
    const named = Object.keys(fields).find((name) => name.startsWith("act-"));
    if (named) {
      fields.act = named.slice(4);
      fields[fields.act === "shift" ? "days" : "by"] = Number(fields[named]);
      delete fields[named];
    }
    if (fields.act?.startsWith("add_")) {
      const isWaiting = [current, ...queue].some((each) => each?.fields?.act === fields.act);
      if (isWaiting || (added.act === fields.act && event.timeStamp - added.at < DOUBLE_MS)) return;
      added = { act: fields.act, at: event.timeStamp };
    }
    edit(fields);
  });

  facts.addEventListener("input", () => queueSave());
  facts.addEventListener("change", (event) => queueSave(event.target.matches("select, [type=checkbox], [type=radio]") ? 0 : 200, true));
  facts.addEventListener("compositionstart", () => { isComposing = true; });
  facts.addEventListener("compositionend", () => { isComposing = false; queueSave(); });
  facts.addEventListener("focusout", (event) => {
    if (facts.contains(event.relatedTarget)) return;
    if (isDirty()) save(true);
    else if (heldFacts) showFacts(heldFacts, { isSame: true, isSettled: true });
  });

  /* --- keys --- */

  root.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const isText = event.target.matches("input:not([type=checkbox]), textarea, select");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !isText) {
      event.preventDefault();
      edit({ act: event.shiftKey ? "redo" : "undo" });
      return;
    }
    const row = event.target.closest(".plan-row");
    if (!row || event.target !== titleOf(row)) return;
    const listed = rows().filter(titleOf);
    const place = listed.indexOf(row);
    const isStep = row.dataset.kind === "step" && isOpen();
    const step = row.dataset.slug;
    const sign = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      if (!isStep || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      edit({ act: "shift", step, days: sign * (event.shiftKey ? WEEK : 1) }, "row");
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      if (event.altKey && isStep) edit({ act: "move", step, by: sign }, "row");
      else if (!event.altKey) titleOf(listed[place + sign])?.focus();
    } else if (event.key === "Delete" && isStep) {
      event.preventDefault();
      askToRemove(`step.${step}`);
    }
  });

  async function askToRemove(where) {
    if (at() !== where) await choose(where);
    // The dialog is attached after its form has come.
    for (let tries = 0; tries < 40 && !facts.querySelector(".dialog-fold > summary[aria-haspopup]"); tries += 1) await new Promise((done) => setTimeout(done, 25));
    facts.querySelector(".dialog-fold > summary")?.click();
    // It was asked from the row: whoever leaves the question goes back there.
    facts.querySelector("dialog")?.addEventListener("close", () => document.getElementById(`row-${where}`)?.focus(), { once: true });
  }

  /* --- dragging --- */

  function followers(slug) {
    const found = new Set([slug]);
    for (const bar of work.querySelectorAll(".plan-chart__step")) if (found.has(bar.dataset.anchor)) found.add(bar.dataset.step);
    return [...work.querySelectorAll(".plan-chart__step")].filter((bar) => found.has(bar.dataset.step));
  }

  work.addEventListener("pointerdown", (event) => {
    if (!isOpen() || event.button !== 0) return;
    const bar = event.target.closest(".plan-chart__step");
    if (bar) dragBar(event, bar);
    const grip = event.target.closest("[data-grip]");
    if (grip) dragRow(event, grip.closest(".plan-row"));
  });

  function dragBar(event, bar) {
    event.preventDefault();
    const drawing = bar.closest("svg");
    const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
    const day = Number(drawing.dataset.day);
    const along = followers(bar.dataset.step);
    const labels = [...drawing.querySelectorAll(".plan-chart__day")];
    const rect = bar.querySelector(".plan-chart__bar");
    const dueAt = Math.round((Number(rect.getAttribute("x")) + Number(rect.getAttribute("width")) + 2) / day) - 1;
    let days = 0;
    bar.dataset.dragged = "";
    const mark = () => labels.forEach((label, index) => label.toggleAttribute("data-here", index === dueAt + days));
    mark();
    const move = (moved) => {
      days = Math.round((moved.clientX - event.clientX) / scale / day);
      for (const each of along) each.setAttribute("transform", `translate(${days * day} 0)`);
      mark();
    };
    finishing(bar, move, (isDone) => {
      delete bar.dataset.dragged;
      labels.forEach((label) => label.removeAttribute("data-here"));
      if (isDone && days) {
        edit({ act: "shift", step: bar.dataset.step, days }, "row");
        return;
      }
      for (const each of along) each.removeAttribute("transform");
      if (isDone) choose(`step.${bar.dataset.step}`, "row");
    });
  }

  function dragRow(event, row) {
    event.preventDefault();
    let target = null;
    row.dataset.dragged = "";
    const clear = () => rows().forEach((each) => delete each.dataset.drop);
    const move = (moved) => {
      clear();
      const over = rows().find((each) => {
        const box = each.getBoundingClientRect();
        return moved.clientY >= box.top && moved.clientY < box.bottom;
      });
      if (!over || over === row || over.dataset.kind === "event") {
        target = null;
        return;
      }
      const box = over.getBoundingClientRect();
      const isAfter = over.dataset.kind === "phase" || moved.clientY > box.top + box.height / 2;
      over.dataset.drop = isAfter ? "after" : "before";
      target = { over, isAfter };
    };
    finishing(row, move, (isDone) => {
      delete row.dataset.dragged;
      clear();
      if (!isDone || !target) return;
      const listed = rows();
      const phase = target.over.dataset.kind === "phase" ? target.over.dataset.slug : target.over.dataset.phase;
      const from = listed.indexOf(target.over) + (target.isAfter ? 1 : 0);
      const before = listed.slice(from).find((each) => each.dataset.kind === "step" && each !== row);
      edit({ act: "place", step: row.dataset.slug, before: before?.dataset.slug ?? "", phase }, "row");
    });
  }

  /* Follows the pointer until it is let go (true) or the drag is given up with Escape (false). */
  function finishing(element, move, done) {
    const end = (isDone) => {
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", up);
      document.removeEventListener("pointercancel", cancel);
      document.removeEventListener("keydown", key, true);
      done(isDone);
    };
    const up = () => end(true);
    const cancel = () => end(false);
    const key = (event) => { if (event.key === "Escape") { event.preventDefault(); end(false); } };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", up);
    document.addEventListener("pointercancel", cancel);
    document.addEventListener("keydown", key, true);
  }

  /* --- others, and leaving --- */

  async function pulse() {
    if (document.visibilityState === "hidden" || isSending || queue.length) return;
    try {
      const response = await fetch(dataset.pulseUrl, { credentials: "same-origin", headers: { Accept: "application/json" }, signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!response.ok) return;
      const answer = await response.json();
      slot("others").textContent = answer.others;
      if (answer.revision !== revision && !isSending && !queue.length) {
        if (isDirty() || isRefused || facts.contains(document.activeElement)) await refreshWork();
        else await choose(at());
        say(dataset.wordMoved.replace("{name}", answer.by || dataset.wordSomebody));
      }
    } catch { /* asked again at the next beat */ }
  }

  /* The list alone: the form is left to whoever is writing in it. */
  async function refreshWork() {
    const url = new URL(dataset.url, location.href);
    url.searchParams.set("at", at());
    const response = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (!response.ok) return;
    const answer = await response.json();
    revision = answer.revision;
    showWork(answer.work);
  }

  if (isOpen()) setInterval(pulse, PULSE_MS);
  window.addEventListener("beforeunload", (event) => {
    if (isOpen() && (isDirty() || isRefused || queue.length || isSending)) {
      save(true);
      event.preventDefault();
    }
  });

  // The first day stands where it is seen, with the days before it a little to the left.
  const days = work.querySelector(".plan-board__days");
  const before = work.querySelector(".plan-chart__before");
  if (days && before) days.scrollLeft = Math.max(0, before.getBoundingClientRect().width - 48);
  reveal();
}
