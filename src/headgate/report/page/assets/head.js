// The head of the page: how the run ended, in numbers, and what to do next. Shown again when the data has changed.
const itemStates = new Map();
const pairStates = new Map();
function countStates() {
  for (const [found, rows, at] of [[itemStates, data.items, 2], [pairStates, data.pairs, 3]]) {
    found.clear();
    for (const row of rows) found.set(row[at], (found.get(row[at]) || 0) + 1);
  }
}

// A line to copy: it breaks between words, and within one only where that is longer than the line.
const wordsOf = (line) => line.split(" ").flatMap((word, at) => [at ? " " : "", el("span", { class: "word" }, word)]);

// What waiting for flow runs cost, and how soon their ends were seen.
function waiting(polling) {
  if (!polling) return [];
  const seen = polling.lagSeconds ? `, 99 % of ends seen within ${polling.lagSeconds.p99} s` : "";
  return [`${plural(polling.runs, "run")} waited for: ${polling.pollsPerRun} polls each${seen}`];
}

function showHead() {
  const run = data.run;
  countStates();
  if (!run.status) return; // nothing is known yet
  $("status").textContent = run.status.toUpperCase();
  $("status").className = `badge ${run.status ? tone(run.status) : ""}`;
  $("run").textContent = run.runId || run.manifest;
  const began = run.startedAt ? new Date(run.startedAt).toLocaleString() : "";
  const sent = data.requests.sent || 0;
  const rate = run.wall >= 1 && sent >= 20 ? ` (${(sent / run.wall).toFixed(1)} a second)` : "";
  const forecast = run.forecast ? ` (forecast ${duration(run.forecast.seconds)})` : "";
  $("facts").textContent = [
    `sandbox ${run.sandbox}`, `began ${began}`, `${run.status === "running" ? "goes for" : "took"} ${duration(run.wall)}${forecast}`, `${plural(sent, "request")}${rate}`,
    `${count(data.requests.throttled)} throttled`, `${count(data.requests.retried)} retried`, `${count(data.requests.polls)} polls`, ...waiting(data.requests.polling),
  ].join(" · ");
  $("stop").hidden = !run.stop;
  if (run.stop) {
    $("stop").replaceChildren(`Stopped: ${run.stop}`, ...(run.hint ? [el("br"), `What to do: ${run.hint}`] : []));
  }
  document.title = `${run.status}: ${run.runId || run.manifest}`;
  const tiles = [];
  for (const [tab, found, noun] of [["items", itemStates, "items"], ["pairs", pairStates, "activations"]]) {
    const sorted = [...found].sort((one, other) => (TONE[one[0]] === "bad") - (TONE[other[0]] === "bad") || other[1] - one[1]);
    for (const [state, number] of sorted) {
      const make = () => el("button", { type: "button", class: "tile", onclick: () => showRows(tab, { states: [state] }) },
        el("b", { class: tone(state) }), `${noun} ${state}`);
      tiles.push([`${tab} ${state}`, make, (tile) => { tile.firstChild.textContent = count(number); }]);
    }
  }
  keyed($("tiles"), tiles);
  $("next").hidden = !data.commands.length;
  keyed($("commands"), data.commands.map(([what, line]) => [line, () => {
    const button = el("button", { type: "button" }, "copy");
    button.addEventListener("click", () => copy(line, button));
    return el("div", { class: "command" }, el("span", {}, what), el("code", {}, ...wordsOf(line)), button);
  }, () => {}]));
  $("foot").textContent = `Made by headgate from run ${run.runId}. This file needs no network, and sends nothing anywhere.`;
}
