// What needs no charts: there at once. Charts follow when their library has been read.
const ROUNDS = 1000; // ad-hoc runs that are listed, the newest: more would make the page slow
function showRounds() {
  $("rounds").hidden = !data.adhoc.length;
  const number = { class: "num" };
  $("rounds-note").textContent = data.adhoc.length > ROUNDS ? `The newest ${count(ROUNDS)} of ${count(data.adhoc.length)}.` : "";
  $("adhoc").tHead.replaceChildren(el("tr", {}, el("th", {}, "job"), el("th", {}, "ended"), el("th", number, "pairs"), el("th", {}, "outcomes"),
    el("th", number, "began"), el("th", number, "took")));
  $("adhoc").tBodies[0].replaceChildren(...data.adhoc.slice(-ROUNDS).map(([at, key, ending, began, ended, outcomes]) => {
    const pairs = Object.values(outcomes).reduce((one, other) => one + other, 0);
    return el("tr", {}, el("td", {}, `${at} `, el("span", { class: "mono quiet" }, key)), el("td", { class: tone(ending) }, ending || "open"),
      el("td", number, count(pairs)), el("td", {}, ...Object.entries(outcomes).map(([state, of]) => el("span", { class: tone(state) }, `${count(of)} ${state} `))),
      el("td", number, began === null ? "" : clock(began)), el("td", number, began === null || ended === null ? "" : duration(ended - began)));
  }));
}

function showLatency() {
  $("charts-latency").hidden = !data.latency.length;
  const number = { class: "num" };
  $("latency").tHead.replaceChildren(el("tr", {}, el("th", {}, "endpoint"), ...["answers", "p50", "p90", "p95", "p99"].map((head) => el("th", number, head))));
  $("latency").tBodies[0].replaceChildren(...data.latency.map(([name, total, ...times]) =>
    el("tr", {}, el("td", { class: "mono" }, name), el("td", number, count(total)), ...times.map((time) => el("td", number, duration(time))))));
}

// For whoever waits for the page: what is there, and since when.
function ready(what) {
  if (what !== "latency") document.documentElement.dataset.ready = what;
  document.documentElement.dataset[`${what}Ms`] = String(Math.round(performance.now()));
}

showTheme();
showHead();
showCauses();
showTable();
showRounds();
showLatency();
ready("rows");
