/* Tells the look whether a table is no wider than its box: then the page scrolls instead of the box. */
export default function tableRegion(element) {
  const measure = () => {
    // A box in a closed <details> has no width to compare.
    if (element.clientWidth) element.toggleAttribute("data-fits", element.scrollWidth <= element.clientWidth);
  };
  const watcher = new ResizeObserver(measure);
  watcher.observe(element);
  if (element.firstElementChild) watcher.observe(element.firstElementChild);
}
