/* Adds a button that shows and hides the typed password. Words: data-show, data-hide, and their notes for screen readers. */
export default function passwordToggle(element) {
  const input = element.querySelector("input");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  const say = () => {
    const shown = input.type === "text";
    button.textContent = shown ? element.dataset.hide : element.dataset.show;
    button.setAttribute("aria-label", shown ? element.dataset.hideNote : element.dataset.showNote);
  };
  button.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    say();
  });
  input.form?.addEventListener("submit", () => { input.type = "password"; });
  say();
  element.append(button);
}
