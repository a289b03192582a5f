/* A <details> that behaves like a menu: Escape and a click elsewhere close it, and focus goes back to its summary. */
export default function menu(element) {
  const summary = element.querySelector("summary");
  document.addEventListener("click", (event) => {
    if (element.open && !element.contains(event.target)) element.open = false;
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || !element.open) return;
    element.open = false;
    summary.focus();
  });
  element.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !element.contains(event.relatedTarget)) element.open = false;
  });
}
