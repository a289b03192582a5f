/* Brings the list of errors to the reader once the page is there; a link in it goes into its field. */
export default function errorSummary(element) {
  element.focus({ preventScroll: false });
  element.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link) return;
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    const field = target?.matches("input, select, textarea") ? target : target?.querySelector("input, select, textarea");
    if (!field) return;
    event.preventDefault();
    (field.closest(".field") ?? field).scrollIntoView({ block: "start" });
    field.focus({ preventScroll: true });
  });
}
