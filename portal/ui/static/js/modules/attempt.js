/*
 * A running attempt: saves every answer as it is given and says so in one of four words, keeps the time by the server's clock,
 * and hands in when it is over. Without it the form's buttons do the same.
 *
 * Addresses, token and words stand in data- attributes of the form; questions are elements with data-position and data-seq. Nothing
 * about right or wrong is ever here. Only answers that the server has not acknowledged are kept, in this tab's sessionStorage.
 */

import { answerOf, countCharacters, howFar, isChanged, isWritten, note as noteNumbers, show as showAnswer } from "../shared/answers.js";

const DEBOUNCE_MS = 400;
// What is typed is saved when the typing pauses, and from time to time while it goes on.
const TYPING_MS = 1_200;
const LONGEST_TYPING_MS = 6_000;
const BEAT_MS = 15_000;
const NOTICED_MS = 2_000;
const TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
const LONGEST_WAIT_MS = 300_000;
// What a server, a proxy or a lost connection may answer differently in a moment; anything else is refused for good.
const HEALS = (status) => status === 401 || status === 408 || status === 425 || status === 429 || status >= 500;
const MOST_NOTICED = 200;
// The end of the time that moves by less has not been moved by anybody.
const MORE_MS = 20_000;
// Answers still on their way get this long before the page is handed in without them; the form carries them too.
const LAST_FLUSH_MS = 2_500;
const ANNOUNCED = [[600_000, "wordTen"], [300_000, "wordFive"], [60_000, "wordOne"]];

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });
/* How long a server asks to wait, in milliseconds: a number of seconds or a date. */
function asked(headers) {
  const value = headers.get("Retry-After");
  if (!value) return 0;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_WAIT_MS) : 0;
}
const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/* What this tab may keep; a browser that forbids it loses only the way back after a crash. */
function keeper(code) {
  const place = `attempt:${code}`;
  const read = (name, fallback) => { try { return JSON.parse(sessionStorage.getItem(name)) ?? fallback; } catch { return fallback; } };
  const write = (name, value) => { try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* full or forbidden */ } };
  return {
    unsent: () => read(place, {}),
    keep(position, entry) { write(place, { ...read(place, {}), [position]: entry }); },
    drop(position) {
      const { [position]: _gone, ...rest } = read(place, {});
      if (Object.keys(rest).length) write(place, rest);
      else this.clear();
    },
    clear() { try { sessionStorage.removeItem(place); } catch { /* forbidden */ } },
    page: () => read(`${place}:page`, null),
    setPage(key) { write(`${place}:page`, key); },
  };
}

export default function attempt(form) {
  const { dataset } = form;
  const kept = keeper(dataset.code);
  const items = new Map();
  const noticed = [];
  let page = kept.page() ?? dataset.page;
  let isWriter = true;
  let isOver = false;
  let isLeaving = false;
  let isSending = false;
  let failures = 0;
  let retryTimer;
  let settleTimer;
  let lastSaved = form.querySelector(".quiz-bar .save-state").dataset.time ?? "";
  let endsAt = performance.now() + Number(dataset.remainingMs);
  let terms = JSON.parse(dataset.terms);
  kept.setPage(page);

  for (const section of form.querySelectorAll("[data-position]")) {
    const seq = Number(section.dataset.seq);
    items.set(Number(section.dataset.position), {
      section, state: section.querySelector(".save-state"), field: form.elements[`seq-${section.dataset.position}`],
      parts: section.querySelector('[data-slot="parts"]'),
      place: form.querySelector(`.attempt__top .quiz-map [data-number="${section.dataset.position}"]`),
      sureness: form.querySelector(`[data-confidence="${section.dataset.position}"]`),
      // `refused`: sending it again would not help. `told`: why, in words.
      // `typedSince`: when what is still being typed was begun; it is not sent before the typing pauses.
      saved: seq, last: seq, pending: null, refused: false, told: "", typedSince: 0, typingTimer: 0, queued: "",
    });
    countCharacters(section);
  }
  // Where each question has a page of its own, the map says of the others how far they are.
  const places = new Map([...form.querySelectorAll(".attempt__top .quiz-map [data-number]")].map((place) => [Number(place.dataset.number), place]));
  const whole = form.querySelector(".quiz-bar .save-state");
  const submitButton = document.querySelector(`button[form="${form.id}"][value="submit"]`);
  // What Enter presses without a script: here it presses nothing.
  form.querySelector("[data-default]")?.remove();
  form.querySelector('button[value="save"]').hidden = true;

  /* --- words --- */

  const slot = (name) => [...form.querySelectorAll(`[data-slot="${name}"]`)];
  const notice = (name, isShown) => { for (const element of form.querySelectorAll(`[data-notice="${name}"]`)) element.hidden = !isShown; };
  const announce = (text) => { slot("announce")[0].textContent = text; };
  function message(text, offers = "") {
    if (isOver) {
      if (text) tellEnd(text, offers || "result");
      return;
    }
    slot("message")[0].textContent = text;
    for (const name of ["reload", "sign-in"]) slot(name)[0].hidden = name !== offers;
    notice("message", Boolean(text));
  }

  /* The one thing that is said once the attempt is over, with the one button that leads on. */
  function tellEnd(text, offers = "result") {
    if (slot("over")[0].textContent !== text) slot("over")[0].textContent = text;
    for (const name of ["result", "over-sign-in"]) slot(name)[0].hidden = name !== (offers === "sign-in" ? "over-sign-in" : "result");
    notice("over", true);
  }

  function word(state, name, time = "") {
    state.dataset.state = name;
    state.hidden = false;
    state.querySelector('[data-slot="word"]').textContent = state.getAttribute(`data-word-${name}`).replace("{time}", time);
  }

  function say(item, name, time = "") {
    word(item.state, name, time);
    if (name === "saved" && time) lastSaved = time;
    const all = [...items.values()];
    if (all.some((each) => each.refused)) word(whole, "refused");
    else if (all.some((each) => each.pending)) word(whole, failures ? "retrying" : "saving");
    else if (!isWriter || isOver) word(whole, "read_only");
    else if (lastSaved) word(whole, "saved", lastSaved);
  }

  /* Whether there is a connection, and what that means now: before the end nothing is lost without one, after it something may be. */
  function tellOffline(isConnected = navigator.onLine) {
    notice("offline", !isConnected && !isOver);
    if (isConnected || !isOver) return;
    const left = isWriter ? waiting().map(([position]) => position) : [];
    message(left.length ? dataset.wordUnsent.replace("{numbers}", left.join(dataset.wordComma)) : dataset.wordWaiting);
  }

  /* What was refused for good, question by question, and what to do about it. */
  function tellRefused() {
    if (isOver) return "";
    const refused = [...items].filter(([, item]) => item.refused);
    if (!refused.length) return message("");
    const lines = refused.map(([position, item]) => `${dataset.wordRefused.replace("{number}", position)} ${item.told}`.trim());
    message(`${lines.join(" ")} ${dataset.wordKept}`, "reload");
  }

  /* --- how much is answered --- */

  function stateOf(item) {
    const { state, whole, all, off } = howFar(item.section);
    if (item.parts) item.parts.textContent = item.parts.dataset.word.replace("{answered}", whole);
    if (item.parts) item.parts.hidden = state === "open" || whole === all;
    return [state, off ? lengthWords(off) : ""];
  }

  /* By how much a text is too long, or below 0 too short. */
  function lengthWords(off) {
    const [name, count] = [off > 0 ? "Long" : "Short", Math.abs(off)];
    return dataset[`word${name}${count === 1 ? "One" : ""}`].replace("{count}", count);
  }

  function list(name, positions) {
    const place = form.querySelector(`[data-left="${name}"]`);
    place.hidden = positions.length === 0;
    // A list that says the same stays: it may be pressed at this very moment.
    const said = positions.map((position) => `${position} ${places.get(position).dataset.words ?? ""}`).join(" ");
    if (place.dataset.said === said) return;
    place.dataset.said = said;
    place.querySelector(".quiz-map").replaceChildren(...positions.map((position) => {
      const entry = document.createElement("li");
      const link = places.get(position).cloneNode(true);
      // The list stands in a dialog, which is outside the form.
      if (link.matches("button")) link.setAttribute("form", form.id);
      link.removeAttribute("aria-current");
      entry.append(link);
      if (link.dataset.words) {
        const words = document.createElement("span");
        words.className = "left__words small";
        words.textContent = link.dataset.words;
        entry.append(words);
      }
      return entry;
    }));
  }

  function count() {
    const found = { open: [], partly: [], unread: [], length: [], answered: [] };
    for (const [position, place] of places) {
      const item = items.get(position);
      const [state, words] = item ? stateOf(item) : [place.dataset.state, place.dataset.words ?? ""];
      found[state].push(position);
      if (!item) continue;
      item.place.dataset.state = state;
      if (state === "length") item.place.dataset.words = words;
      else delete item.place.dataset.words;
      item.place.querySelector('[data-slot="state"]').textContent = dataset[`word${state[0].toUpperCase()}${state.slice(1)}`].replace("{words}", words);
    }
    // A page that may not write knows only what is saved: the other one may be further.
    const words = isWriter ? dataset.wordCount : dataset.wordCountSaved;
    for (const element of slot("answered")) element.textContent = words.replace("{answered}", found.answered.length);
    for (const element of slot("number")) element.textContent = found.answered.length;
    for (const [name, words] of [["partly", dataset.wordCountPartly], ["length", dataset.wordCountLength], ["unread", dataset.wordCountUnread]]) {
      for (const element of slot(name)) {
        element.textContent = words.replace(`{${name}}`, found[name].length);
        element.hidden = found[name].length === 0;
      }
    }
    list("unread", found.unread);
    list("length", found.length);
    list("partly", found.partly);
    list("open", found.open);
    form.querySelector('[data-left="whole"]').hidden = found.answered.length < places.size;
    // The question before handing in names them, so the server need not ask again.
    form.elements.leaves.value = [...found.unread, ...found.length, ...found.partly, ...found.open].join(" ");
  }

  /* --- answers --- */

  let isComposing = false;

  /* How sure she says she is; beside the answer, never part of it. */
  const ratingOf = (item) => item.sureness?.querySelector("input:checked")?.value ?? null;
  function rate(item, rating) {
    for (const input of item.sureness?.querySelectorAll("input") ?? []) input.checked = input.value === rating;
  }

  function show(position, answer) {
    const item = items.get(position);
    showAnswer(item.section, answer);
    item.queued = JSON.stringify(answerOf(item.section));
    countCharacters(item.section);
    count();
  }

  /* What is typed waits until the typing pauses; leaving the field ends the wait. */
  function queueTyped(position) {
    const item = items.get(position);
    if (JSON.stringify(answerOf(item.section)) === item.queued) return;
    const now = performance.now();
    item.typedSince ||= now;
    queue(position);
    clearTimeout(item.typingTimer);
    const longest = Math.max(0, LONGEST_TYPING_MS - (now - item.typedSince));
    item.typingTimer = setTimeout(() => endTyping(item), Math.min(TYPING_MS, longest));
  }

  function endTyping(item) {
    clearTimeout(item.typingTimer);
    // A word that is being composed is no answer yet; its end begins the wait anew.
    if (!item.typedSince || isComposing) return;
    item.typedSince = 0;
    if (!failures) pump();
  }

  function queue(position) {
    const item = items.get(position);
    item.last += 1;
    item.field.value = item.last;
    item.pending = { answer: answerOf(item.section), seq: item.last, key: random(), confidence: ratingOf(item) };
    item.queued = JSON.stringify(item.pending.answer);
    if (item.refused) {
      item.refused = false;
      tellRefused();
    }
    kept.keep(position, item.pending);
    say(item, failures ? "retrying" : "saving");
    clearTimeout(settleTimer);
    // Somebody walking through the choices with the keys means the last one; a failed save keeps its own pace.
    settleTimer = setTimeout(() => { if (!failures) pump(); }, DEBOUNCE_MS);
  }

  const waiting = () => [...items].filter(([, item]) => item.pending && !item.refused);
  const due = () => waiting().filter(([, item]) => !item.typedSince);
  const isUnsaved = () => [...items.values()].some((item) => item.pending);

  /* --- the server --- */

  async function post(url, body, options = {}) {
    const response = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": dataset.csrf },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...options,
    });
    return [response.status, await response.json().catch(() => ({})), asked(response.headers)];
  }

  function sync(reply) {
    if (typeof reply.remaining_ms === "number" && !isOver) {
      const before = endsAt;
      endsAt = performance.now() + reply.remaining_ms;
      adapt(reply, endsAt - before > MORE_MS);
    }
    if (reply.state && reply.state !== "in_progress") finish(0, reply.state);
  }

  /* Minutes may have been granted since, or something was agreed with her: more time, breaks, a page without a countdown. */
  function adapt({ end, until, terms: now = terms }, hasMore) {
    if (end) for (const place of slot("end")) place.textContent = end;
    if (until) for (const place of slot("until")) place.textContent = until;
    const told = [];
    if (hasMore) told.push(until && !now.is_quiet ? dataset.wordMoreTime.replace("{until}", until) : dataset.wordMore);
    if (now.is_quiet && !terms.is_quiet) told.push(dataset.wordQuiet);
    if (now.breaks && !terms.breaks) told.push(dataset.wordBreaks.replace("{length}", now.breaks));
    terms = now;
    const shown = { clock: !now.is_quiet, quiet: now.is_quiet, breaks: Boolean(now.breaks), "no-breaks": !now.breaks, running: true };
    for (const part of form.querySelectorAll("[data-when]")) part.hidden = !shown[part.dataset.when];
    for (const place of slot("breaks")) place.textContent = place.dataset.word.replace("{length}", now.breaks);
    if (!told.length) return;
    slot("terms")[0].textContent = told.join(" ");
    notice("terms", true);
  }

  function retryLater(atLeast = 0) {
    failures += 1;
    for (const [, item] of waiting()) say(item, "retrying");
    const longest = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
    clearTimeout(retryTimer);
    retryTimer = setTimeout(pump, atLeast + longest * (0.5 + Math.random() / 2));
  }

  async function pump() {
    if (isSending || isOver || !isWriter) return;
    if (isComposing) {
      clearTimeout(retryTimer);
      retryTimer = setTimeout(pump, DEBOUNCE_MS);
      return;
    }
    const [next] = due();
    if (!next) return;
    const [position, item] = next;
    const { answer, seq, key, confidence } = item.pending;
    clearTimeout(retryTimer);
    isSending = true;
    let isStopped = false;
    try {
      const [status, reply, wait] = await post(dataset.saveUrl, { position, seq, idem_key: key, answer, page, confidence });
      isStopped = !took(position, key, status, reply, wait);
    } catch {
      isStopped = true;
      retryLater();
    } finally {
      isSending = false;
    }
    if (!isStopped) pump();
  }

  /* Takes the reply to a save; says whether the next may go at once. */
  function took(position, key, status, reply, wait) {
    const item = items.get(position);
    const isNewest = item.pending?.key === key;
    if (reply.outcome === "saved" || reply.outcome === "stale") {
      if (failures) tellRefused();
      failures = 0;
      item.saved = Math.max(item.saved, reply.saved_seq);
      item.last = Math.max(item.last, item.saved);
      item.field.value = item.last;
      if (isNewest) {
        item.pending = null;
        kept.drop(position);
        if (reply.outcome === "stale") {
          show(position, reply.answer);
          rate(item, reply.confidence);
          message(reply.message);
        }
        noteNumbers(item.section, reply.notes);
        count();
        say(item, "saved", reply.saved_at ?? "");
      } else if (item.pending && item.pending.seq <= item.saved) {
        item.last += 1;
        item.pending.seq = item.last;
        kept.keep(position, item.pending);
      }
      sync(reply);
      return true;
    }
    if (reply.outcome === "elsewhere") {
      yieldToOther();
      sync(reply);
      return false;
    }
    if (reply.outcome === "late" || reply.outcome === "closed") {
      item.pending = null;
      kept.drop(position);
      // What else came too late is sent too: whoever looks after the quiz can see that it did.
      if (reply.outcome === "late" && waiting().length) {
        message(reply.message);
        return true;
      }
      kept.clear();
      finish(3_000, reply.state, reply.message);
      return false;
    }
    if (reply.outcome === "on_break") {
      reload();
      return false;
    }
    if (status < 400 || HEALS(status)) {
      if (status === 401) message(dataset.wordSignedOut, "sign-in");
      else if (status === 429 && reply.message) message(reply.message);
      retryLater(wait);
      return false;
    }
    // It stays on the page and in this tab; only another answer, or the page loaded anew, can help.
    if (isNewest) {
      item.refused = true;
      item.told = reply.message ?? dataset.wordReload;
      say(item, "refused");
      tellRefused();
    }
    return true;
  }

  const told = (events) => events.map(({ kind, key, at }) => ({ kind, key, age_ms: Math.max(0, Math.round(performance.now() - at)) }));

  async function beat(options = {}) {
    if (isOver) return;
    noticed.splice(0, noticed.length - MOST_NOTICED);
    const events = noticed.splice(0, 50);
    try {
      const [status, reply] = await post(dataset.eventsUrl, { page, events: told(events), ...options });
      // What is refused for good is not told again.
      if (status !== 200 && !HEALS(status)) return;
      if (status !== 200) throw new Error(String(status));
      notice("offline", false);
      if (failures && waiting().length) pump();
      if (reply.on_break) {
        reload();
        return;
      }
      if (reply.state === "in_progress") {
        if (!reply.writer && isWriter) yieldToOther();
        // The other page has gone: show what it saved, and write again.
        else if (reply.writer && !isWriter) reload();
      }
      sync(reply);
    } catch {
      noticed.unshift(...events);
      tellOffline();
    }
  }

  /* --- two pages --- */

  const channel = "BroadcastChannel" in window ? new BroadcastChannel(`attempt-${dataset.code}`) : null;
  const call = (type) => channel?.postMessage({ type, page });

  /* What can be read but not changed; what would do nothing goes. */
  function setReadOnly() {
    form.dataset.readonly = "";
    for (const dialog of form.querySelectorAll("dialog[open]")) dialog.close();
    for (const [, item] of items) {
      for (const part of item.section.querySelectorAll("fieldset, .written :is(input, select, textarea)")) part.disabled = true;
      if (item.sureness) item.sureness.disabled = true;
      // A page that may not write sends no answer at all when one looks at another question: not an empty one.
      item.field.disabled = true;
      if (!item.pending) say(item, "read_only");
    }
    if (submitButton) submitButton.disabled = true;
    // Without it one still looks at the other questions; nothing is sent with them that could be saved.
    for (const button of form.querySelectorAll('.attempt__main button[name="action"]')) button.disabled = true;
  }

  function yieldToOther() {
    if (!isWriter || isOver) return;
    isWriter = false;
    setReadOnly();
    count();
    notice("elsewhere", true);
    form.querySelector(".attempt__notices").scrollIntoView();
  }

  function reload() {
    isLeaving = true;
    location.reload();
  }

  channel?.addEventListener("message", ({ data }) => {
    if (data.type === "hello" && data.page === page) call("same");
    else if (data.type === "hello" && isWriter) call("here");
    else if (data.type === "same" && data.page === page && !isLeaving) {
      // A duplicated tab came with a copy of this tab's key.
      page = random();
      kept.setPage(page);
      call("hello");
      beat();
    } else if (data.type === "here" && data.page !== page) yieldToOther();
    else if (data.type === "taken" && data.page !== page) yieldToOther();
  });

  form.querySelector('[data-action="reload"]').addEventListener("click", reload);
  // What is not saved yet is kept in this tab: going there loses nothing.
  for (const link of form.querySelectorAll('[data-action="sign-in"]')) link.addEventListener("click", () => { isLeaving = true; });
  form.querySelector('[data-action="take-over"]').addEventListener("click", async () => {
    await beat({ take_over: true });
    call("taken");
    reload();
  });

  /* --- time --- */

  const countdown = form.querySelector(".countdown");
  const announced = new Set(ANNOUNCED.filter(([left]) => endsAt - performance.now() < left).map(([left]) => left));

  function tick() {
    if (isOver) return;
    const left = endsAt - performance.now();
    if (countdown && !terms.is_quiet) {
      const seconds = Math.max(0, Math.ceil(left / 1000));
      const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, String(seconds % 60).padStart(2, "0")];
      countdown.querySelector(".countdown__time").textContent = hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
      countdown.dataset.state = left <= 60_000 ? "last" : left <= Number(countdown.dataset.calmMs) ? "soon" : "calm";
      for (const [mark, word] of ANNOUNCED) {
        // Minutes that are granted can bring a mark back.
        if (left > mark) announced.delete(mark);
        else if (!announced.has(mark)) {
          announced.add(mark);
          announce(dataset[word]);
        }
      }
    }
    if (left <= 0) timeIsUp();
  }

  async function timeIsUp() {
    if (isOver || isLeaving) return;
    announce(dataset.wordOver);
    if (countdown && !terms.is_quiet) {
      countdown.querySelector(".countdown__time").textContent = dataset.wordOver;
      countdown.dataset.state = "over";
    }
    // Without a connection the server hands in what it has; there is nothing to send it with.
    if (!navigator.onLine || !isWriter) {
      finish(3_000);
      return;
    }
    handIn();
  }

  /* The page of an attempt that is over: no clock, nothing to answer or to hand in, and one message in sight. */
  function setEnded(text) {
    setReadOnly();
    form.dataset.over = "";
    for (const part of form.querySelectorAll("[data-when]")) part.hidden = true;
    for (const button of document.querySelectorAll(`:is(form#${form.id} button, button[form="${form.id}"])[name="go"]`)) button.disabled = true;
    for (const name of ["elsewhere", "message", "terms", "offline"]) notice(name, false);
    tellEnd(text);
    form.querySelector(".attempt__notices").scrollIntoView();
    form.querySelector('[data-notice="over"]').focus({ preventScroll: true });
  }

  /*
   * `state`: what the server says of the attempt. One that was made void stays on the page, so that what was written can still be
   * read; of any other the result opens by itself once what there is to tell has been told.
   */
  function finish(delay = 0, state = "submitted", text = "") {
    if (isLeaving || isOver) return;
    isOver = true;
    const isVoid = state === "voided";
    if (isVoid) {
      for (const [, item] of items) item.pending = null;
      kept.clear();
    }
    setEnded(text || (isVoid ? dataset.wordVoid : dataset.wordEnded));
    if (!isVoid) tellOffline(navigator.onLine);
    let timer;
    const again = () => {
      clearTimeout(timer);
      removeEventListener("online", again);
      go();
    };
    const go = async () => {
      if (isLeaving) return;
      const isConnected = await isReachable();
      // That the connection was gone is told first: it is why the answers come late.
      if (!isConnected || !await sendNoticed() || !await sendLate()) {
        if (isVoid) {
          tellEnd(`${dataset.wordVoid} ${dataset.wordNoConnection}`);
          return;
        }
        tellOffline(isConnected);
        addEventListener("online", again);
        timer = setTimeout(again, LAST_RETRY_MS / 3);
        return;
      }
      isLeaving = true;
      location.assign(dataset.resultUrl);
    };
    form.querySelector('[data-action="result"]').addEventListener("click", again);
    if (!isVoid) timer = setTimeout(again, delay);
  }

  /* What the page had noticed and could not tell any more; says whether nothing of it is left. */
  async function sendNoticed() {
    while (noticed.length) {
      const events = noticed.slice(0, 50);
      try {
        const [status] = await post(dataset.eventsUrl, { page, events: told(events) });
        if (HEALS(status)) return false;
      } catch {
        return false;
      }
      noticed.splice(0, events.length);
    }
    return true;
  }

  /* What did not get through before the end is sent all the same: it is kept as it came, for whoever looks after the quiz. */
  async function sendLate() {
    for (const [position, item] of isWriter ? waiting() : []) {
      const { answer, seq, key, confidence } = item.pending;
      try {
        const [status] = await post(dataset.saveUrl, { position, seq, idem_key: key, answer, page, confidence });
        if (status === 401) message(dataset.wordSignedOut, "sign-in");
        if (HEALS(status)) return false;
      } catch {
        return false;
      }
      item.pending = null;
      kept.drop(position);
    }
    return true;
  }

  const handIn = () => leave(submitButton);

  /* Sends what is on its way, then the form itself by one of its buttons; it carries every answer on the page. */
  async function leave(button) {
    if (isLeaving) return;
    isLeaving = true;
    for (const [, item] of items) item.section.inert = true;
    flushTyped();
    // A form that is just being submitted ignores a second request: with nothing left to send, let that event end first.
    await pause(0);
    const until = performance.now() + LAST_FLUSH_MS;
    while (waiting().length && performance.now() < until && navigator.onLine) await pause(50);
    if (noticed.length && navigator.onLine) await Promise.race([beat(), pause(500)]);
    if (!await isReachable()) {
      stay(button);
      return;
    }
    for (const [, item] of items) item.field.value = item.last;
    form.requestSubmit(button);
  }

  /* Whether the server answers at all: a form that is sent without a connection would leave this page for the browser's own error. */
  async function isReachable() {
    if (!navigator.onLine) return false;
    try {
      const [status] = await post(dataset.eventsUrl, { page, events: [] }, { signal: AbortSignal.timeout(LAST_FLUSH_MS) });
      return status < 500;
    } catch {
      return false;
    }
  }

  function stay(button) {
    isLeaving = false;
    for (const [, item] of items) item.section.inert = false;
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    notice("offline", true);
    if (endsAt <= performance.now()) finish(3_000);
    else {
      message(button === submitButton ? dataset.wordNotHandedIn : dataset.wordNotSent);
      form.querySelector(".attempt__notices").scrollIntoView();
    }
    retryLater();
  }

  /* --- what happens on the page --- */

  form.addEventListener("change", ({ target }) => {
    const section = target.closest("[data-position], [data-confidence]");
    if (!section || !isWriter || isOver) return;
    const position = Number(section.dataset.position ?? section.dataset.confidence);
    count();
    if (isWritten(target)) {
      // The field was left.
      queueTyped(position);
      endTyping(items.get(position));
    } else queue(position);
  });

  function typed({ target, isComposing: isStillComposing }) {
    const section = target.closest("[data-position]");
    if (!section || !isWritten(target) || !isWriter || isOver) return;
    // A word may have been begun before this script had come.
    if (isStillComposing) isComposing = true;
    countCharacters(section);
    if (isComposing) return;
    count();
    queueTyped(Number(section.dataset.position));
  }
  form.addEventListener("compositionstart", () => { isComposing = true; });
  form.addEventListener("compositionend", (event) => {
    isComposing = false;
    typed(event);
  });
  form.addEventListener("input", typed);

  /* Nothing that was typed waits any longer. */
  function flushTyped() {
    for (const [position, item] of items) {
      if (item.typedSince) queueTyped(position);
      item.typedSince = 0;
      clearTimeout(item.typingTimer);
    }
    pump();
  }

  // Enter would press the first button of the form, and ends a word while an input method is composing; in a text it begins a line.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
  });

  form.addEventListener("submit", (event) => {
    if (isLeaving) return;
    event.preventDefault();
    // Another page or a break begins where this one is sent; only "Save" stays here.
    if (event.submitter && event.submitter.value !== "save") leave(event.submitter);
    else flushTyped();
  });

  addEventListener("beforeunload", (event) => {
    if (!isLeaving && isUnsaved()) event.preventDefault();
  });
  addEventListener("pagehide", () => {
    if (isWriter && !isOver) post(dataset.eventsUrl, { page, leaves: true, events: [] }, { keepalive: true }).catch(() => {});
  });
  addEventListener("pageshow", (event) => { if (event.persisted) reload(); });

  function note(kind) {
    noticed.push({ kind, key: random(), at: performance.now() });
    clearTimeout(note.timer);
    note.timer = setTimeout(beat, NOTICED_MS);
  }
  let isAway = false;
  function away(isNowAway) {
    if (isAway === isNowAway) return;
    isAway = isNowAway;
    if (isAway) flushTyped();
    note(isAway ? "focus_lost" : "focus_regained");
    // A laptop that slept comes back with a wrong clock; the reply puts it right.
    if (!isAway) beat();
  }
  addEventListener("blur", () => away(true));
  addEventListener("focus", () => away(false));
  document.addEventListener("visibilitychange", () => away(document.visibilityState === "hidden"));
  addEventListener("offline", () => { note("offline"); tellOffline(); });
  addEventListener("online", () => { notice("offline", false); tellRefused(); note("online"); failures = 0; pump(); });

  /* --- where one is --- */

  /* On a low or narrow screen the question comes first, and what is said about the attempt after it. */
  const low = matchMedia("((width < 80rem) and (height < 30rem)) or (width < 40rem)");
  const words = form.querySelector(".attempt__words");
  const panel = words.parentElement;
  function placeWords() {
    if (low.matches) form.querySelector(".hand-in").before(words);
    else panel.append(words);
  }
  low.addEventListener("change", placeWords);
  placeWords();

  const map = form.querySelector(".attempt__top .quiz-map");
  const bringIntoSight = (place) => {
    map.scrollLeft = place.parentElement.offsetLeft - map.offsetLeft - (map.clientWidth - place.clientWidth) / 2;
  };
  /* On which side there is more than is in sight. */
  function tellMore() {
    const rest = map.scrollWidth - map.clientWidth - map.scrollLeft;
    map.dataset.more = [map.scrollLeft > 1 ? "before" : "", rest > 1 ? "after" : ""].join(" ").trim();
  }
  map.addEventListener("scroll", tellMore, { passive: true });
  new ResizeObserver(tellMore).observe(map);
  // Where each question has a page of its own it may be too short to be seen in the middle of the page.
  const current = map.querySelector("[aria-current]");
  if (current) bringIntoSight(current);
  const watcher = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      for (const [, item] of items) item.place.toggleAttribute("aria-current", false);
      const { place } = items.get(Number(target.dataset.position));
      place.setAttribute("aria-current", "true");
      bringIntoSight(place);
    }
  }, { rootMargin: "-45% 0px -50% 0px" });
  for (const [, item] of items) watcher.observe(item.section);

  /* --- begin --- */

  // What an earlier visit of this tab could not send; what has been saved since elsewhere stands.
  for (const [position, entry] of Object.entries(kept.unsent())) {
    const item = items.get(Number(position));
    if (!item || entry.seq <= item.saved) {
      kept.drop(position);
      continue;
    }
    show(Number(position), entry.answer);
    rate(item, entry.confidence ?? null);
    item.last = entry.seq;
    item.field.value = item.last;
    item.pending = entry;
    say(item, "saving");
  }
  // What was chosen before this script had come.
  for (const [position, item] of items) {
    const isRated = [...(item.sureness?.querySelectorAll("input") ?? [])].some((input) => input.checked !== input.defaultChecked);
    // Where she is still writing, the word may not be done.
    const isBeingTyped = item.section.contains(document.activeElement) && isWritten(document.activeElement);
    if ((isChanged(item.section) || isRated) && !item.pending) (isBeingTyped ? queueTyped : queue)(position);
    else if (!item.pending) item.queued = JSON.stringify(answerOf(item.section));
  }
  count();
  notice("offline", !navigator.onLine);
  call("hello");
  beat().then(pump);
  setInterval(beat, BEAT_MS);
  setInterval(tick, 250);
}
