/* The rail: the groups that a reader opens or folds stay so on the next page, and the place she is in is scrolled into sight. */
const KEPT = "places";
const HALF_A_YEAR = 15552000;

function kept() {
  const found = document.cookie.split("; ").find((each) => each.startsWith(`${KEPT}=`));
  return new Set((found ? found.slice(KEPT.length + 1) : "").split(".").filter(Boolean));
}

function show(element) {
  const current = element.querySelector("[aria-current]");
  const box = element.closest("[data-scrolls]");
  if (!current || !box || box.scrollHeight <= box.clientHeight) return;
  const [inner, outer] = [current.getBoundingClientRect(), box.getBoundingClientRect()];
  if (inner.top >= outer.top && inner.bottom <= outer.bottom) return;
  box.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
}

export default function places(element) {
  element.addEventListener("click", (event) => {
    const group = event.target.closest("summary")?.parentElement;
    if (!group) return;
    const groups = kept();
    // The click comes before the change that it makes.
    if (group.open) groups.delete(group.dataset.group);
    else groups.add(group.dataset.group);
    const safe = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${KEPT}=${[...groups].join(".")}; Path=/; Max-Age=${HALF_A_YEAR}; SameSite=Lax${safe}`;
  });
  element.closest("details.sheet")?.addEventListener("toggle", () => show(element));
  show(element);
}
