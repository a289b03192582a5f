/*
 * A matrix that is walked cell by cell: arrows, Home, End, PageUp and PageDown, with Control to its corners; Enter (or a click) opens what
 * a cell is about. One cell at a time is a stop of the tab key. A row leads where its heading's link leads, a cell to the part of
 * that page which its column names (`data-slug`); a cell with a link of its own there. Without this they are plain links.
 */
const CELL = "tbody th, tbody td";

export default function matrixGrid(table) {
  const rows = [...table.tBodies[0].rows];
  const columns = [...table.tHead.rows[0].cells];
  const region = table.closest("[tabindex]");
  const hint = document.getElementById(table.dataset.hint);
  let here = rows[0].cells[0];

  /* A heading is its link, which needs no second stop beside it. */
  const stopOf = (cell) => cell.querySelector("a") ?? cell;
  const isSeen = (cell) => cell.checkVisibility();

  function makeStop(cell) {
    stopOf(here).tabIndex = -1;
    here = cell;
    stopOf(here).tabIndex = 0;
  }

  /* Headings that stand still while the table moves below them leave the cell in sight. */
  function bringIntoSight(cell) {
    const stuck = (head, size) => (getComputedStyle(head).position === "sticky" ? size(head) : 0);
    const above = stuck(columns[0], (head) => head.offsetHeight);
    const beside = cell === cell.parentElement.cells[0] ? 0 : stuck(cell.parentElement.cells[0], (head) => head.offsetWidth);
    cell.style.scrollMargin = `${above}px 0 0 ${beside}px`;
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function go(cell) {
    makeStop(cell);
    stopOf(cell).focus({ preventScroll: true });
    bringIntoSight(cell);
  }

  /* The cell there, or the nearest before it that is seen: on a telephone not every step of everybody is. */
  function at(row, column) {
    const cells = [...rows[Math.max(0, Math.min(row, rows.length - 1))].cells].slice(0, column + 1);
    return cells.findLast(isSeen);
  }

  function beside(cell, step) {
    const cells = [...cell.parentElement.cells].filter(isSeen);
    return cells[cells.indexOf(cell) + step];
  }

  function page() {
    const seen = Math.min(region.clientHeight, innerHeight) - columns[0].offsetHeight;
    return Math.max(1, Math.floor(seen / rows[0].offsetHeight) - 1);
  }

  function wanted(key, toCorner) {
    const row = rows.indexOf(here.parentElement);
    const column = here.cellIndex;
    const last = columns.length - 1;
    switch (key) {
      case "ArrowRight": return beside(here, 1);
      case "ArrowLeft": return beside(here, -1);
      case "ArrowDown": return at(row + 1, column);
      case "ArrowUp": return at(row - 1, column);
      case "PageDown": return at(row + page(), column);
      case "PageUp": return at(row - page(), column);
      case "Home": return at(toCorner ? 0 : row, 0);
      case "End": return at(toCorner ? rows.length - 1 : row, last);
      default: return null;
    }
  }

  function addressOf(cell) {
    const own = cell.matches("td") && cell.querySelector("a");
    if (own) return own.href;
    const link = cell.parentElement.querySelector("th a");
    if (!link || cell.dataset.state === "none") return null;
    const step = columns[cell.cellIndex].dataset.slug;
    return step ? `${link.href}#step-${step}` : link.href;
  }

  function open(cell) {
    const address = addressOf(cell);
    if (address) location.assign(address);
  }

  table.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.metaKey || event.shiftKey) return;
    if (!event.target.closest(CELL)) return;
    if (event.key === "Enter" && event.target === here) {
      event.preventDefault();
      open(here);
      return;
    }
    if (event.ctrlKey && !["Home", "End"].includes(event.key)) return;
    const cell = wanted(event.key, event.ctrlKey);
    if (cell === null) return;
    event.preventDefault();
    if (cell) go(cell);
  });

  table.addEventListener("focusin", ({ target }) => {
    const cell = target.closest(CELL);
    if (cell && cell !== here) makeStop(cell);
  });

  table.addEventListener("click", (event) => {
    const cell = event.target.closest("tbody td");
    if (!cell || event.target.closest("a") || event.ctrlKey || event.metaKey || String(getSelection())) return;
    open(cell);
  });

  table.setAttribute("role", "grid");
  for (const link of table.tBodies[0].querySelectorAll("a")) link.tabIndex = -1;
  stopOf(here).tabIndex = 0;
  // The box needs no stop of its own any more: the cell that has the focus moves it.
  region.removeAttribute("tabindex");
  hint.hidden = false;
}
