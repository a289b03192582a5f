/* The key "/" leads to the field of the search, from anywhere but a place where something is typed or composed. */
const TYPED_IN = "input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]";

export default function searchKey(element) {
  const field = element.querySelector("input[type=search]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.(TYPED_IN) || document.querySelector("dialog[open]") || !field.checkVisibility()) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}
