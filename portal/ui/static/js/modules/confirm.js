/* Shows the panel of a <details> as a native dialog. Without this module the panel unfolds in place. */
export default function confirm(element) {
  const summary = element.querySelector("summary");
  const panel = element.querySelector(".dialog-panel");
  const title = panel.querySelector("h2");
  const dialog = document.createElement("dialog");
  dialog.className = "dialog-box";
  title.id ||= `dialog-${Math.random().toString(36).slice(2, 8)}`;
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(panel);
  // Leaving stands beside the deed, not below it.
  const rows = panel.querySelectorAll(".actions");
  rows[rows.length - 1]?.append(panel.querySelector("[data-close]"));
  element.after(dialog);
  element.open = false;
  summary.setAttribute("aria-haspopup", "dialog");

  summary.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.showModal();
    title.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => summary.focus());
}
