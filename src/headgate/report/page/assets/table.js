// The rows: filter, search, pages of a hundred, and CSV of what the filter leaves.
const PAGE = 100;
const view = { tab: "items", states: new Set(), entry: "", text: "", cause: null, at: 0, rows: [] };
const sources = {
  items: { rows: data.items, state: 2, counts: itemStates, noun: "item" },
  pairs: { rows: data.pairs, state: 3, counts: pairStates, noun: "activation" },
};
const words = new Map(); // what a row can be found by, made when it is first searched
const findable = (tab, row) => {
  if (!words.has(row)) words.set(row, row.flat().filter((part) => typeof part === "string").join(" ").toLowerCase());
  return words.get(row);
};

function ofCause(tab, row, cause) {
  if (!cause) return true;
  if (!cause.names) {
    cause.names = new Set(cause.members.map((member) => member[0]));
    cause.jobs = new Set(cause.members.map((member) => member[1]).filter(Boolean));
  }
  if (tab === "pairs") return cause.names.has(`${row[1]} / ${row[2]}`) || cause.jobs.has(String(row[8] || "").split(" failed")[0]) || row[8] === cause.message;
  if (cause.names.has(row[1]) || cause.jobs.has(row[6])) return true;
  return row[2] === "failed" && cause.count > cause.members.length && row[4] === cause.message;
}

function filter() {
  const source = sources[view.tab];
  const wanted = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  view.rows = source.rows.filter((row) =>
    (!view.states.size || view.states.has(row[source.state]))
    && (view.entry === "" || row[0] === Number(view.entry))
    && ofCause(view.tab, row, view.cause)
    && wanted.every((word) => findable(view.tab, row).includes(word)));
  view.at = 0;
  drawRows();
}

const HEADS = {
  items: ["item", "status", "why, request id", "ids on the platform"],
  pairs: ["destination", "audience", "outcome", "ad-hoc job", "run", "reason"],
};

function cells(row) {
  if (view.tab === "items") {
    const ids = data.roles.map((role, at) => (row[3][at] ? el("span", { class: "id" }, el("i", {}, `${role} `), el("span", { class: "mono" }, row[3][at])) : null));
    const why = [row[4] || "", row[5] ? el("div", { class: "mono quiet" }, `request ${row[5]}`) : null,
      row[2] === "skipped" && row[6] ? el("div", { class: "quiet" }, `because of ${row[6]}`) : null];
    return [
      el("td", { class: "name" }, row[1]), el("td", { class: tone(row[2]) }, row[2]),
      el("td", { class: "why" }, ...why), el("td", { class: "ids" }, ...ids),
    ];
  }
  return [
    el("td", { class: "name mono" }, row[1]), el("td", { class: "mono" }, row[2]), el("td", { class: tone(row[3]) }, row[3]),
    el("td", {}, row[4] === null ? "" : `job ${row[4]}`), el("td", { class: "mono" }, row[5] ? `${row[5]} ${row[6] || ""}` : ""),
    el("td", { class: "why" }, row[8] || ""),
  ];
}

function drawRows() {
  const total = view.rows.length;
  const shown = view.rows.slice(view.at, view.at + PAGE);
  const noun = sources[view.tab].noun;
  const of = total === sources[view.tab].rows.length ? "" : ` of ${count(sources[view.tab].rows.length)}`;
  $("filtered").replaceChildren(`${plural(total, noun)}${of}${view.cause ? ` of one cause: ${view.cause.message}` : ""} `,
    ...(of || view.cause ? [el("button", { type: "button", onclick: () => showRows(view.tab, {}, false) }, "show all")] : []));
  $("table").tHead.replaceChildren(el("tr", {}, ...HEADS[view.tab].map((head) => el("th", {}, head))));
  $("table").tBodies[0].replaceChildren(...shown.map((row) => el("tr", {}, ...cells(row))));
  $("where").textContent = total ? `${count(view.at + 1)} to ${count(view.at + shown.length)} of ${count(total)}` : "nothing fits";
  $("back").disabled = view.at === 0;
  $("more").disabled = view.at + PAGE >= total;
}

function drawFilters() {
  const source = sources[view.tab];
  for (const tab of ["items", "pairs"]) {
    $(`tab-${tab}`).setAttribute("aria-selected", String(tab === view.tab));
    $(`tab-${tab}`).textContent = plural(sources[tab].rows.length, sources[tab].noun);
    $(`tab-${tab}`).hidden = !sources[tab].rows.length;
  }
  $("states").replaceChildren(...[...source.counts].map(([state, number]) => {
    const chip = el("button", { type: "button", "aria-pressed": String(view.states.has(state)) }, `${state} ${count(number)}`);
    chip.addEventListener("click", () => {
      if (!view.states.delete(state)) view.states.add(state);
      drawFilters();
      filter();
    });
    return chip;
  }));
  const used = new Set(source.rows.map((row) => row[0]));
  $("entry").replaceChildren(el("option", { value: "" }, "every entry"),
    ...data.entries.map((name, at) => (used.has(at) ? el("option", { value: String(at) }, entryName(name)) : null)).filter(Boolean));
  $("entry").value = view.entry;
  $("search").value = view.text;
}

// Show rows of a tab (null: the first that has some) with a filter; used by tiles, causes and the timeline.
function showRows(tab, { states = [], cause = null, text = "" }, jump = true) {
  const fits = (name) => sources[name].rows.some((row) => ofCause(name, row, cause));
  Object.assign(view, { tab: tab || (fits("items") ? "items" : "pairs"), states: new Set(states), cause, text, entry: "" });
  drawFilters();
  filter();
  if (jump) $("rows").scrollIntoView({ behavior: "smooth" });
}

function csvOf(tab, rows) {
  const cell = (value) => {
    let text = String(value ?? "");
    if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`; // no spreadsheet takes it for a formula
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const head = tab === "items" ? ["entry", "item", "status", ...data.roles, "error", "requestId", "cause"]
    : ["entry", "destinationId", "segmentId", "outcome", "adhocJob", "runId", "runState", "attempts", "reason"];
  const lines = rows.map((row) => (tab === "items"
    ? [data.entries[row[0]], row[1], row[2], ...row[3], row[4], row[5], row[6]]
    : [data.entries[row[0]], ...row.slice(1)]));
  return [head, ...lines].map((line) => line.map(cell).join(",")).join("\n") + "\n";
}

function showTable() {
  for (const tab of ["items", "pairs"]) $(`tab-${tab}`).addEventListener("click", () => showRows(tab, {}, false));
  let waiting = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { view.text = $("search").value; filter(); }, 120);
  });
  $("entry").addEventListener("change", () => { view.entry = $("entry").value; filter(); });
  $("csv").addEventListener("click", () => save(`${data.run.runId || "report"}-${view.tab}.csv`, "text/csv", csvOf(view.tab, view.rows)));
  for (const [id, step] of [["back", -PAGE], ["more", PAGE]]) {
    $(id).addEventListener("click", () => { view.at += step; drawRows(); });
  }
  if (!data.items.length && !data.pairs.length) { $("rows").hidden = true; return; }
  const bad = [...itemStates.keys()].filter((state) => state === "failed");
  showRows(data.items.length ? "items" : "pairs", { states: bad }, false);
}
