/*
 * Things to put in order: buttons that move each up and down, and rows that stand where they were put. The lists of places stay and
 * say the same, so that the form sends what is seen; whatever is chosen in one of them moves its row.
 */
// Tells the change that this module makes from one of a person.
const SETTLED = "settled";

export default function ordering(group) {
  const list = group.querySelector(".order");
  const said = group.querySelector('[data-slot="moved"]');
  const shown = [...list.children];
  const listOf = (row) => row.querySelector("select");
  const placeOf = (row) => Number(listOf(row).value.split(":")[1] ?? 0);

  function setPlace(row, place) {
    const option = [...listOf(row).options].find(({ value }) => value.split(":")[1] === String(place));
    listOf(row).value = option?.value ?? "";
  }

  /* Rows with a place stand in its order, others where they were first, behind them. */
  function arrange() {
    const focused = document.activeElement;
    const rows = [...shown].sort((a, b) => (placeOf(a) || Infinity) - (placeOf(b) || Infinity) || shown.indexOf(a) - shown.indexOf(b));
    if (rows.some((row, index) => list.children[index] !== row)) list.append(...rows);
    if (list.contains(focused)) focused.focus();
    rows.forEach((row, index) => {
      row.querySelector('[data-move="-1"]').disabled = index === 0;
      row.querySelector('[data-move="1"]').disabled = index === rows.length - 1;
    });
  }

  /* Every row has the place at which it stands. */
  function settle(rows, moved) {
    list.append(...rows);
    rows.forEach((row, index) => setPlace(row, index + 1));
    arrange();
    said.textContent = group.dataset.wordMoved.replace("{place}", placeOf(moved));
    listOf(moved).dispatchEvent(new CustomEvent("change", { bubbles: true, detail: SETTLED }));
  }

  list.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-move]");
    if (!button) return;
    const row = button.closest("li");
    const rows = [...list.children];
    const from = rows.indexOf(row);
    const to = from + Number(button.dataset.move);
    if (to < 0 || to >= rows.length) return;
    rows.splice(from, 1);
    rows.splice(to, 0, row);
    settle(rows, row);
    // At an end the button that was pressed has nothing more to do.
    (button.disabled ? row.querySelector("[data-move]:not(:disabled)") : button).focus();
  });

  list.addEventListener("change", (event) => {
    if (event.detail === SETTLED) return;
    const row = event.target.closest("li");
    const place = placeOf(row);
    if (!place) {
      arrange();
      return;
    }
    const rows = [...list.children].filter((each) => each !== row);
    rows.splice(place - 1, 0, row);
    event.stopPropagation();
    settle(rows, row);
    event.target.focus();
  });

  group.addEventListener("answershown", arrange);
  for (const moves of list.querySelectorAll(".order__moves")) moves.hidden = false;
  arrange();
}
