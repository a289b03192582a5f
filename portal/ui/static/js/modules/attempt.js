/*
 * A running attempt: saves every answer as it is given and says so in one of four words, keeps the time by the server's clock,
 * and hands in when it is over. Without it the form's buttons do the same.
 *
 * Addresses, token and words stand in data- attributes of the form; questions are elements with data-position and data-seq. Nothing
 * about right or wrong is ever here. Only answers that the server has not acknowledged are kept, in this tab's sessionStorage.
 */

const DEBOUNCE_MS = 400;
const BEAT_MS = 15_000;
const NOTICED_MS = 2_000;
const TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
const LONGEST_WAIT_MS = 300_000;
// What a server, a proxy or a lost connection may answer differently in a moment; anything else is refused for good.
const HEALS = (status) => status === 401 || status === 408 || status === 425 || status === 429 || status >= 500;
const MOST_NOTICED = 200;
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
  kept.setPage(page);

  for (const section of form.querySelectorAll("[data-position]")) {
    const seq = Number(section.dataset.seq);
    items.set(Number(section.dataset.position), {
      section, state: section.querySelector(".save-state"), field: form.elements[`seq-${section.dataset.position}`],
      parts: section.querySelector('[data-slot="parts"]'),
      place: form.querySelector(`.attempt__top .quiz-map a[href="#${section.id}"]`),
      // `refused`: sending it again would not help. `told`: why, in words.
      saved: seq, last: seq, pending: null, refused: false, told: "",
    });
  }
  const whole = form.querySelector(".quiz-bar .save-state");
  const submitButton = document.querySelector(`button[form="${form.id}"][value="submit"]`);
  form.querySelector('button[value="save"]').hidden = true;

  /* --- words --- */

  const slot = (name) => [...form.querySelectorAll(`[data-slot="${name}"]`)];
  const notice = (name, isShown) => { for (const element of form.querySelectorAll(`[data-notice="${name}"]`)) element.hidden = !isShown; };
  const announce = (text) => { slot("announce")[0].textContent = text; };
  function message(text, offersReload = false) {
    slot("message")[0].textContent = text;
    slot("reload")[0].hidden = !offersReload;
    notice("message", Boolean(text));
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

  /* What was refused for good, question by question, and what to do about it. */
  function tellRefused() {
    const refused = [...items].filter(([, item]) => item.refused);
    if (!refused.length) return message("");
    const lines = refused.map(([position, item]) => `${dataset.wordRefused.replace("{number}", position)} ${item.told}`.trim());
    message(`${lines.join(" ")} ${dataset.wordKept}`, true);
  }

  /* --- how much is answered --- */

  function howFar(item) {
    const names = new Set([...item.section.querySelectorAll("input")].map((input) => input.name));
    const given = [...names].filter((name) => item.section.querySelector(`input[name="${name}"]:checked`)).length;
    if (item.parts) item.parts.textContent = item.parts.dataset.word.replace("{answered}", given);
    if (item.parts) item.parts.hidden = given === 0 || given === names.size;
    return given === 0 ? "open" : given === names.size ? "answered" : "partly";
  }

  function list(name, positions) {
    const place = form.querySelector(`[data-left="${name}"]`);
    place.hidden = positions.length === 0;
    place.querySelector(".quiz-map").replaceChildren(...positions.map((position) => {
      const entry = document.createElement("li");
      const link = items.get(position).place.cloneNode(true);
      link.removeAttribute("aria-current");
      entry.append(link);
      return entry;
    }));
  }

  function count() {
    const found = { open: [], partly: [], answered: [] };
    for (const [position, item] of items) {
      const state = howFar(item);
      found[state].push(position);
      item.place.dataset.state = state;
      item.place.querySelector('[data-slot="state"]').textContent = dataset[`word${state[0].toUpperCase()}${state.slice(1)}`];
    }
    // A page that may not write knows only what is saved: the other one may be further.
    const words = isWriter ? dataset.wordCount : dataset.wordCountSaved;
    for (const element of slot("answered")) element.textContent = words.replace("{answered}", found.answered.length);
    for (const element of slot("number")) element.textContent = found.answered.length;
    for (const element of slot("partly")) {
      element.textContent = dataset.wordCountPartly.replace("{partly}", found.partly.length);
      element.hidden = found.partly.length === 0;
    }
    list("partly", found.partly);
    list("open", found.open);
    form.querySelector('[data-left="whole"]').hidden = found.answered.length < items.size;
    // The question before handing in names them, so the server need not ask again.
    form.elements.leaves.value = [...found.partly, ...found.open].join(" ");
  }

  /* --- answers --- */

  const partsOf = (position) => new Set([...items.get(position).section.querySelectorAll("input")].map((input) => input.name));

  function answerOf(position) {
    const answer = {};
    for (const name of partsOf(position)) {
      const chosen = [...items.get(position).section.querySelectorAll(`input[name="${name}"]:checked`)].map((input) => input.value);
      if (chosen.length) answer[name.slice(name.indexOf("-") + 1)] = chosen;
    }
    return answer;
  }

  function show(position, answer) {
    for (const input of items.get(position).section.querySelectorAll("input")) {
      input.checked = (answer[input.name.slice(input.name.indexOf("-") + 1)] ?? []).includes(input.value);
    }
    count();
  }

  function queue(position) {
    const item = items.get(position);
    item.last += 1;
    item.field.value = item.last;
    item.pending = { answer: answerOf(position), seq: item.last, key: random() };
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
    if (typeof reply.remaining_ms === "number" && !isOver) endsAt = performance.now() + reply.remaining_ms;
    if (reply.state && reply.state !== "in_progress") finish();
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
    const [next] = waiting();
    if (!next) return;
    const [position, item] = next;
    const { answer, seq, key } = item.pending;
    clearTimeout(retryTimer);
    isSending = true;
    let isStopped = false;
    try {
      const [status, reply, wait] = await post(dataset.saveUrl, { position, seq, idem_key: key, answer, page });
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
          message(reply.message);
        }
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
      message(reply.message);
      kept.clear();
      finish(3_000);
      return false;
    }
    if (status < 400 || HEALS(status)) {
      if (status === 401) message(dataset.wordSignedOut);
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

  async function beat(options = {}) {
    if (isOver) return;
    noticed.splice(0, noticed.length - MOST_NOTICED);
    const events = noticed.splice(0, 50);
    const told = events.map(({ kind, key, at }) => ({ kind, key, age_ms: Math.max(0, Math.round(performance.now() - at)) }));
    try {
      const [status, reply] = await post(dataset.eventsUrl, { page, events: told, ...options });
      // What is refused for good is not told again.
      if (status !== 200 && !HEALS(status)) return;
      if (status !== 200) throw new Error(String(status));
      notice("offline", false);
      if (failures && waiting().length) pump();
      if (reply.state === "in_progress") {
        if (!reply.writer && isWriter) yieldToOther();
        // The other page has gone: show what it saved, and write again.
        else if (reply.writer && !isWriter) reload();
      }
      sync(reply);
    } catch {
      noticed.unshift(...events);
      notice("offline", !navigator.onLine);
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
      for (const part of item.section.querySelectorAll("fieldset")) part.disabled = true;
      if (!item.pending) say(item, "read_only");
    }
    if (submitButton) submitButton.disabled = true;
  }

  function yieldToOther() {
    if (!isWriter) return;
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
    if (countdown) {
      const seconds = Math.max(0, Math.ceil(left / 1000));
      const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, String(seconds % 60).padStart(2, "0")];
      countdown.querySelector(".countdown__time").textContent = hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
      countdown.dataset.state = left <= 60_000 ? "last" : left <= Number(countdown.dataset.calmMs) ? "soon" : "calm";
      for (const [mark, word] of ANNOUNCED) {
        if (left <= mark && !announced.has(mark)) {
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
    if (countdown) {
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

  function finish(delay = 0) {
    if (isLeaving) return;
    isOver = true;
    setReadOnly();
    notice("elsewhere", false);
    const go = () => {
      if (!navigator.onLine) {
        message(dataset.wordWaiting);
        addEventListener("online", go, { once: true });
        return;
      }
      isLeaving = true;
      location.assign(dataset.resultUrl);
    };
    setTimeout(go, delay);
  }

  /* Sends what is on its way, then the form itself, which carries every answer. */
  async function handIn() {
    if (isLeaving) return;
    isLeaving = true;
    for (const [, item] of items) item.section.inert = true;
    pump();
    // A form that is just being submitted ignores a second request: with nothing left to send, let that event end first.
    await pause(0);
    const until = performance.now() + LAST_FLUSH_MS;
    while (waiting().length && performance.now() < until && navigator.onLine) await pause(50);
    if (noticed.length && navigator.onLine) await Promise.race([beat(), pause(500)]);
    for (const [, item] of items) item.field.value = item.last;
    form.requestSubmit(submitButton);
  }

  /* --- what happens on the page --- */

  form.addEventListener("change", ({ target }) => {
    const section = target.closest("[data-position]");
    if (!section || !isWriter || isOver) return;
    count();
    queue(Number(section.dataset.position));
  });

  // Enter would press the first button of the form, and ends a word while an input method is composing.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.isComposing || event.target.matches("input"))) event.preventDefault();
  });

  form.addEventListener("submit", (event) => {
    if (isLeaving) return;
    event.preventDefault();
    if (event.submitter?.value === "submit") handIn();
    else pump();
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
    note(isAway ? "focus_lost" : "focus_regained");
    // A laptop that slept comes back with a wrong clock; the reply puts it right.
    if (!isAway) beat();
  }
  addEventListener("blur", () => away(true));
  addEventListener("focus", () => away(false));
  document.addEventListener("visibilitychange", () => away(document.visibilityState === "hidden"));
  addEventListener("offline", () => { notice("offline", true); note("offline"); });
  addEventListener("online", () => { notice("offline", false); note("online"); failures = 0; pump(); });

  /* --- where one is --- */

  const map = form.querySelector(".attempt__top .quiz-map");
  const watcher = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      for (const [, item] of items) item.place.toggleAttribute("aria-current", false);
      const { place } = items.get(Number(target.dataset.position));
      place.setAttribute("aria-current", "true");
      map.scrollLeft = place.parentElement.offsetLeft - map.offsetLeft - (map.clientWidth - place.clientWidth) / 2;
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
    item.last = entry.seq;
    item.field.value = item.last;
    item.pending = entry;
    say(item, "saving");
  }
  // What was chosen before this script had come.
  for (const [position, item] of items) {
    const isChanged = [...item.section.querySelectorAll("input")].some((input) => input.checked !== input.defaultChecked);
    if (isChanged && !item.pending) queue(position);
  }
  count();
  notice("offline", !navigator.onLine);
  call("hello");
  beat().then(pump);
  setInterval(beat, BEAT_MS);
  setInterval(tick, 250);
}
