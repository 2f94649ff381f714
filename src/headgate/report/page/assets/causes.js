// Failures by their cause: what was said, what to do, which rows, and what Adobe's support needs.
function ticket(cause) {
  const ids = cause.members.map((member) => member[2]).filter(Boolean);
  return [
    `Sandbox: ${data.run.sandbox}`,
    `When: ${data.run.startedAt} to ${data.run.finishedAt || "now"}`,
    `Answer: ${[cause.status || "", cause.code].filter(Boolean).join(" ")}`,
    `Message: ${cause.message}`,
    `How often: ${cause.count}`,
    `Request ids${ids.length < cause.count ? ` (${ids.length} of ${cause.count})` : ""}:`,
    ...ids.map((id) => `  ${id}`),
  ].join("\n");
}

function showCauses() {
  $("why").hidden = !data.causes.length;
  $("why").querySelector("h2").textContent = data.causes.length === 1 ? "Why it failed" : `Why it failed: ${data.causes.length} causes`;
  keyed($("causes"), data.causes.map((cause) => [JSON.stringify([cause.status, cause.code, cause.message, cause.count, cause.skipped]), () => {
    const names = [...new Set(cause.members.map((member) => member[0]))];
    const text = ticket(cause);
    const button = el("button", { type: "button" }, "copy for a support ticket");
    button.addEventListener("click", () => copy(text, button));
    const some = names.slice(0, 3).join(", ");
    const more = cause.count > 3 ? ` and ${count(cause.count - Math.min(3, names.length))} more` : "";
    return el("article", { class: "cause" },
      el("div", { class: "count" }, `${count(cause.count)}×`,
        el("small", {}, cause.skipped ? `${plural(cause.skipped, "row")} skipped for it` : "")),
      el("div", {},
        el("div", { class: "said" }, cause.message),
        el("div", { class: "quiet mono" }, [cause.status || "", cause.code].filter(Boolean).join(" · ")),
        el("div", { class: "advice" }, el("b", {}, "What to do: "),
          cause.advice || "no advice is known for this answer; give Adobe's support the request ids"),
        el("div", { class: "quiet" }, `${some}${more}`),
        el("div", { class: "acts" },
          el("button", { type: "button", onclick: () => showRows(null, { cause }) }, `show these rows`), button),
        el("details", {}, el("summary", {}, `request ids`), el("pre", {}, text))));
  }, () => {}]));
}
