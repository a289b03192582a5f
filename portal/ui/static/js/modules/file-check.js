/*
 * Compares a file that somebody chooses or drops with SHA-256 hashes, in the browser: the file goes nowhere.
 * data-hashes: hash and what has it, one pair a line. data-same (with {name}), data-other, data-large and data-failed are
 * what is said. Without crypto.subtle (plain HTTP) the element stays away and the hashes beside it have to do.
 */
const MAX_BYTES = 64 * 1024 * 1024;

export default function fileCheck(element) {
  if (!globalThis.crypto?.subtle) { element.remove(); return; }
  const input = element.querySelector("input[type=file]");
  const said = element.querySelector("[role=status]");
  const known = new Map(element.dataset.hashes.trim().split("\n").map((line) => {
    const [hash, ...name] = line.trim().split(" ");
    return [hash, name.join(" ")];
  }));
  let latest = 0;

  const tell = (state, text) => {
    element.dataset.state = state;
    said.textContent = text;
  };

  async function check(file) {
    const { same, other, large, failed } = element.dataset;
    const mine = ++latest;
    if (file.size > MAX_BYTES) { tell("other", large); return; }
    try {
      const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
      if (mine !== latest) return;
      const hash = [...new Uint8Array(digest)].map((each) => each.toString(16).padStart(2, "0")).join("");
      if (known.has(hash)) tell("same", same.replace("{name}", known.get(hash)));
      else tell("other", other);
    } catch {
      if (mine === latest) tell("other", failed);
    }
  }

  element.hidden = false;
  input.addEventListener("change", () => { if (input.files.length) check(input.files[0]); });
  element.addEventListener("dragover", (event) => { event.preventDefault(); element.dataset.over = ""; });
  element.addEventListener("dragleave", () => { delete element.dataset.over; });
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    delete element.dataset.over;
    if (event.dataTransfer.files.length) {
      input.value = "";
      check(event.dataTransfer.files[0]);
    }
  });
}
