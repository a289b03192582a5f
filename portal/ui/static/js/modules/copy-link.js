/* Copies data-href (made absolute) or data-text, and says so with data-done or data-failed. */

import { copiesAtButton } from "../shared/copying.js";

export default function copyLink(element) {
  copiesAtButton(element, () => element.dataset.text ?? new URL(element.dataset.href, location.href).href);
}
