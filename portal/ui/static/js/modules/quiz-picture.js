/*
 * Fetches a picture when its box is opened for the first time, and not before. Words: data-alt, data-failed. Without this
 * the box holds a link; a picture that waits there to be loaded lazily would be fetched at once where scripts are off.
 */
export default function quizPicture(element) {
  const slot = element.querySelector('[data-slot="picture"]');
  const failed = document.createElement("p");
  failed.setAttribute("role", "status");
  let picture = null;
  const show = () => {
    if (!element.open || picture) return;
    failed.textContent = "";
    picture = document.createElement("img");
    picture.className = "quiz-picture__image";
    picture.alt = element.dataset.alt;
    picture.addEventListener("error", () => {
      picture.remove();
      picture = null;
      failed.textContent = element.dataset.failed;
    });
    picture.src = element.dataset.href;
    slot.replaceChildren(picture, failed);
  };
  element.addEventListener("toggle", show);
  show();
}
