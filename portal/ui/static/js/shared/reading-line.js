/*
 * Which of these elements is being read: the last one whose top has passed the reading line. The line stands in the upper third
 * of the window and sinks towards its foot near the end of the page, so that short last clauses have their turn too.
 */
export function lastPassed(elements) {
  const room = document.documentElement.scrollHeight - innerHeight;
  const progress = room > 0 ? Math.min(1, scrollY / room) : 1;
  const line = innerHeight * (1 / 3 + (2 / 3) * progress ** 4);
  let passed = elements[0];
  for (const element of elements) if (element.getBoundingClientRect().top <= line) passed = element;
  return passed;
}
