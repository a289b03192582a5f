/* Shows the panel of a <details> as a native dialog. Without this module the panel unfolds in place. */
export default function confirm(element) {
  const summary = element.querySelector("summary");
  const panel = element.querySelector(".dialog-panel");
  const title = panel.querySelector("h2");
  const dialog = document.createElement("dialog");
  let leadsTo = null;
  dialog.className = "dialog-box";
  title.id ||= `dialog-${Math.random().toString(36).slice(2, 8)}`;
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(panel);
  // Leaving stands beside the deed, not below it.
  const rows = panel.querySelectorAll(".actions");
  rows[rows.length - 1]?.append(panel.querySelector("[data-close]"));
  element.after(dialog);
  summary.setAttribute("aria-haspopup", "dialog");

  function ask() {
    leadsTo = null;
    dialog.showModal();
    title.focus();
  }

  summary.addEventListener("click", (event) => {
    event.preventDefault();
    ask();
  });
  dialog.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link) {
      event.preventDefault();
      leadsTo = document.getElementById(link.hash.slice(1));
      dialog.close();
    } else if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (!leadsTo) {
      summary.focus();
      return;
    }
    // Where the thing that is missing can be mended: its first control, or itself.
    const place = leadsTo.querySelector("input:not([type=hidden], :disabled), button, a") ?? leadsTo;
    leadsTo.scrollIntoView();
    place.focus({ preventScroll: true });
  });

  const asksAtOnce = element.open;
  element.open = false;
  if (asksAtOnce) ask();
}
