// The page of one run, live: what is going on above the report, and buttons for who has the token.
const WHERE = location.pathname.replace(/\/$/, "");
const OPEN = new Set(["open", "held"]);
const ENTRIES = 12;
const ONE = { items: "item", pairs: "activation", activations: "activation", rows: "row" };
const CHARTS_EVERY = 2000; // milliseconds; and never more than a tenth of the time
const remembered = {
  get() { try { return sessionStorage.getItem("headgate-token") || ""; } catch { return ""; } },
  set(token) { try { sessionStorage.setItem("headgate-token", token); } catch { /* asked for again */ } },
};
let token = remembered.get();
if (location.hash.startsWith("#token=")) {
  token = decodeURIComponent(location.hash.slice(7));
  remembered.set(token);
  history.replaceState(null, "", location.pathname); // not to be seen over a shoulder, nor kept in the history
}

function entryLines() {
  if ((data.live.entries || []).length) return summed(data.live.entries.map(([name, noun, done, total, failed, steps, all]) =>
    ({ key: `${noun} ${name}`, name, noun, done, total, failed, steps, all })));
  const found = new Map();
  for (const [rows, status, noun] of [[data.items, 2, "items"], [data.pairs, 3, "activations"]]) {
    for (const row of rows) {
      const key = `${noun} ${row[0]}`;
      let line = found.get(key);
      if (!line) found.set(key, line = { key, name: entryName(data.entries[row[0]]), noun, done: 0, total: 0, failed: 0, steps: 0, all: 0 });
      line.all = line.total += 1;
      line.steps = line.done += !OPEN.has(row[status]);
      line.failed += row[status] === "failed";
    }
  }
  return summed([...found.values()]);
}

function summed(lines) {
  if (lines.length <= ENTRIES) return lines;
  const rest = { key: "rest", name: `… ${lines.length - ENTRIES + 1} more`, noun: "rows", done: 0, total: 0, failed: 0, steps: 0, all: 0 };
  for (const line of lines.slice(ENTRIES - 1)) for (const name of ["done", "total", "failed", "steps", "all"]) rest[name] += line[name];
  return [...lines.slice(0, ENTRIES - 1), rest];
}

function showEntries() {
  const goes = data.run.status === "running";
  keyed($("entries"), !goes ? [] : entryLines().map((line) => [line.key,
    () => el("div", { class: "entry" }, el("span", { class: "name" }, line.name), el("progress"), el("span", { class: "of" }), el("span", { class: "state-bad" })),
    (made) => {
      const [, bar, of, bad] = made.children;
      Object.assign(bar, { max: line.all || 1, value: line.steps });
      bar.setAttribute("aria-label", line.name);
      of.textContent = `${count(line.done)} of ${plural(line.total, ONE[line.noun] || line.noun, line.noun === "pairs" ? "activations" : line.noun)}`;
      bad.textContent = line.failed ? `${count(line.failed)} failed` : "";
    }]));
}

function rateNow() {
  const { width, sent } = data.series;
  const slots = Math.max(1, Math.round(5 / width));
  const end = Math.floor(data.run.wall / width); // the slot that is being filled is not counted
  const some = sent.slice(Math.max(0, end - slots), end);
  return some.reduce((one, other) => one + other, 0) / (slots * width);
}

// "done at about 22:41", or between two times of day: only of what takes a while, and only in whole minutes.
const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
function overAt(span) {
  if (!span || !span.length || span[1] - Date.now() / 1000 < 300) return "";
  const [soonest, latest] = span.map((second) => minute.format(second * 1000));
  return soonest === latest ? `done at about ${latest}` : `done between ${soonest} and ${latest}`;
}

const share = (jobs) => (jobs && jobs[1] ? `${Math.floor((100 * jobs[0]) / jobs[1])} %` : "");

function showNow() {
  const { run, live: told } = data;
  const goes = run.status === "running";
  const parts = [];
  $("left").textContent = goes && !live.over ? [share(told.jobs), told.left, overAt(told.overAt)].filter(Boolean).join(", ") : "";
  $("pace").textContent = goes && !live.over ? told.why || "" : "";
  if (goes) {
    const ceiling = data.ceiling.length ? data.ceiling[data.ceiling.length - 1][1] : 0;
    parts.push(told.rate ? told.rate.replace("req/s", "requests a second") : `${rateNow().toFixed(1)}${ceiling ? ` of ${ceiling}` : ""} requests a second`);
    if (told.jobs) parts.push(`${count(told.jobs[0])} of ${plural(told.jobs[1], "job")}`);
    if (told.inFlight !== undefined) parts.push(`${count(told.inFlight)} on their way`);
    if (told.stopping) parts.push(`stopping: ${told.stopping}`);
  }
  $("now").textContent = live.over ? "The program that served this page has ended; what is shown stays." : parts.join(" · ");
  $("trouble").hidden = !told.trouble;
  $("trouble").textContent = told.trouble || "";
  keyed($("waits"), (goes ? told.waits || [] : []).map((line, at) => [`${at} ${line}`, () => el("li", {}, line), () => {}]));
  const how = JSON.stringify([run.status, told.paused, told.stopping]);
  if (how !== showNow.how) $("said").textContent = ""; // what was asked for has come to pass
  showNow.how = how;
  const mine = goes && told.heeds && !live.over;
  $("control").hidden = !mine;
  $("pause").textContent = told.paused ? "go on" : "pause";
  $("pause").dataset.do = told.paused ? "go" : "pause";
  $("driver").textContent = !goes || told.here || !told.driver ? "" : `Driven by ${told.driver}${told.heeds ? ", which hears what is asked here within seconds." : ": it can be stopped there (Ctrl-C)."}`;
  if (run.status === "abandoned") $("driver").textContent = "Nobody drives it any more: its process has ended without a word. What it did is known.";
  $("foot").textContent = `Live from ${told.store || "the state store"}. This page asks nobody but the program that serves it.`;
}

// What the counters say is some tenths of a second old; between two answers from the platform it may be minutes.
function tick() {
  const life = data.lives[data.lives.length - 1];
  if (data.run.status !== "running" || !life || live.over) return;
  data.run.wall = Math.max(data.run.wall, life[0] + Date.now() / 1000 - life[1]);
}

let chartsAt = 0;
let chartsPause = 0;
let chartsAsked = 0;
function refreshCharts() {
  if (chartsAsked || typeof fillCharts !== "function" || !drawn.docs) return;
  chartsAsked = setTimeout(async () => {
    chartsAsked = 0;
    const began = performance.now();
    try { await fillCharts(); } catch (error) { console.error(error); }
    chartsAt = performance.now();
    chartsPause = Math.max(CHARTS_EVERY, 10 * (chartsAt - began));
  }, Math.max(0, chartsAt + chartsPause - performance.now()));
}

// The charts' library is read when the rows are there: it takes the browser longer than all the rest.
let later = [...document.querySelectorAll("link.later")];
function readLater() {
  if (!later) return;
  if (!later.length) $("charts-time").hidden = true; // it is not installed
  for (const link of later) {
    const script = el("script", { src: link.getAttribute("href") });
    script.async = false; // in their order
    document.body.append(script);
  }
  later = null;
}

let before = {};
const redraw = whenSeen(() => {
  tick();
  showHead();
  showNow();
  showEntries();
  // A member that is the same object has not changed; rows are compared one by one.
  if (data.causes !== before.causes) showCauses();
  if (data.adhoc !== before.adhoc) showRounds();
  if (data.latency !== before.latency) showLatency();
  before = { causes: data.causes, adhoc: data.adhoc, latency: data.latency };
  refreshRows();
  if (live.mark) setTimeout(readLater); // drawn first
  refreshCharts();
  document.documentElement.dataset.drawn = String(Number(document.documentElement.dataset.drawn || 0) + 1);
});

async function act(action) {
  if (!token) {
    $("ask").hidden = false;
    $("token").focus();
    return;
  }
  try {
    const answer = await fetch(`${WHERE}/${action}`, { method: "POST", headers: { "X-Headgate-Token": token } });
    if (answer.status === 403) { token = ""; remembered.set(""); $("ask").hidden = false; }
    $("said").textContent = (await answer.json()).said;
  } catch {
    $("said").textContent = "there was no answer";
  }
}

function showControl() {
  let sure = 0;
  for (const button of document.querySelectorAll("[data-do]")) {
    button.addEventListener("click", () => {
      if (button.dataset.do === "cancel" && token && Date.now() - sure > 5000) {
        sure = Date.now();
        $("said").textContent = "click again to stop at once";
        return;
      }
      act(button.dataset.do);
    });
  }
  $("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    token = $("token").value.trim();
    $("token").value = "";
    remembered.set(token);
    $("ask").hidden = true;
    $("said").textContent = "now choose again";
  });
  document.querySelector(".brand").replaceChildren(el("a", { href: "/" }, "headgate: all runs"));
}

showControl();
connect(`${WHERE}/events`, redraw);
setInterval(() => { if (data.run.status === "running" && !document.hidden) redraw(); }, 1000);
addEventListener("load", redraw);
