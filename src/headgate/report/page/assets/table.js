// The rows: filter, search, pages of a hundred, and CSV of what the filter leaves.
const PAGE = 100;
const view = { tab: "", states: new Set(), entry: "", text: "", cause: null, at: 0, rows: [], drawn: [] };
const sources = {
  items: { get rows() { return data.items; }, state: 2, counts: itemStates, noun: "item" },
  pairs: { get rows() { return data.pairs; }, state: 3, counts: pairStates, noun: "activation" },
};
const words = new WeakMap(); // what a row can be found by, made when it is first searched
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

function filter(stay = false) {
  const source = sources[view.tab];
  const wanted = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  view.rows = source.rows.filter((row) =>
    (!view.states.size || view.states.has(row[source.state]))
    && (view.entry === "" || row[0] === Number(view.entry))
    && ofCause(view.tab, row, view.cause)
    && wanted.every((word) => findable(view.tab, row).includes(word)));
  view.at = stay ? Math.min(view.at, Math.max(0, Math.ceil(view.rows.length / PAGE - 1) * PAGE)) : 0;
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
  // Only what is seen is in the document, and only what has changed is made again: what was marked stays marked.
  if (view.tab !== view.drawnTab || shown.length !== view.drawn.length || shown.some((row, at) => row !== view.drawn[at])) {
    $("table").tHead.replaceChildren(el("tr", {}, ...HEADS[view.tab].map((head) => el("th", {}, head))));
    $("table").tBodies[0].replaceChildren(...shown.map((row) => el("tr", {}, ...cells(row))));
    Object.assign(view, { drawn: shown, drawnTab: view.tab });
  }
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
  const shown = new Set([...source.counts.keys(), ...view.states]); // a chosen one stays, to be taken back
  keyed($("states"), [...shown].map((state) => [`${view.tab} ${state}`, () => el("button", { type: "button", onclick: () => {
    if (!view.states.delete(state)) view.states.add(state);
    drawFilters();
    filter();
  } }), (chip) => {
    chip.textContent = `${state} ${count(source.counts.get(state))}`;
    chip.setAttribute("aria-pressed", String(view.states.has(state)));
  }]));
  const used = new Set(source.rows.map((row) => row[0]));
  keyed($("entry"), [["", "every entry"], ...data.entries.map((name, at) => [String(at), entryName(name)]).filter(([at]) => used.has(Number(at)))]
    .map(([value, text]) => [`${value} ${text}`, () => el("option", { value }, text), () => {}]));
}

// Show rows of a tab (null: the first that has some) with a filter; used by tiles, causes and the timeline.
function showRows(tab, { states = [], cause = null, text = "" }, jump = true) {
  const fits = (name) => sources[name].rows.some((row) => ofCause(name, row, cause));
  Object.assign(view, { tab: tab || (fits("items") ? "items" : "pairs"), states: new Set(states), cause, text, entry: "" });
  $("search").value = text;
  drawFilters();
  $("entry").value = view.entry;
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
  refreshRows();
}

// Show the rows as the data is now; what was chosen stays chosen.
function refreshRows() {
  $("rows").hidden = !data.items.length && !data.pairs.length;
  if ($("rows").hidden) return;
  if (view.tab && sources[view.tab].rows.length) { drawFilters(); filter(true); return; }
  const bad = [...itemStates.keys()].filter((state) => state === "failed");
  showRows(data.items.length ? "items" : "pairs", { states: bad }, false);
}
