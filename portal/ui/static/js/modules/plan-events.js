/*
 * Leaves of the days of events those of the plan version that is chosen (data-versions on a group and on each of its fields).
 * Without it all of them stand there, each group under the name of its plan, and only those of the chosen version are read.
 */
export default function planEvents(section) {
  const plan = section.querySelector("select[name=plan]");

  function show() {
    for (const part of section.querySelectorAll("[data-versions]")) {
      part.hidden = !part.dataset.versions.split(" ").includes(plan.value);
    }
  }

  plan.addEventListener("change", show);
  show();
}
