// Fills the charts that Bokeh drew empty. Called again with new data, they show that.
const INKS = {
  light: { ink: "#1b2733", quiet: "#5b6a78", line: "#dde3e8", paper: "#ffffff" },
  dark: { ink: "#e4eaf0", quiet: "#9aa8b5", line: "#2d3945", paper: "#12181f" },
};
const ENDS = { succeeded: "#3a87c8", failed: "#e0433a", skipped: "#e69f00" };
const NARROW = matchMedia("(max-width: 640px)");
const LIVE_BARS = 4000; // and all that failed
const drawn = { shown: new Set(), words: [] };
// Others get their turn: what takes long is done in parts, so that the page answers in between.
const turn = () => new Promise((go) => { setTimeout(go); });
// When a job began and how long it took, in words: kept, for of a run that goes most jobs are what they were.
function worded(at) {
  const { began, ended } = data.jobs;
  const known = drawn.words[at];
  if (known && known.began === began[at] && known.ended === ended[at]) return known;
  return (drawn.words[at] = { began: began[at], ended: ended[at], when: clock(began[at]), took: duration(ended[at] - began[at]) });
}

function fillRate(doc) {
  const { width, sent, throttled, troubled } = data.series;
  const per = (counts) => counts.map((value) => value / width);
  const left = sent.map((_, at) => at * width);
  const answered = sent.map((value, at) => Math.max(0, value - throttled[at] - troubled[at]));
  doc.get_model_by_name("rate-source").data = {
    left, right: left.map((at) => at + width * 0.96), zero: sent.map(() => 0), answered: per(answered),
    throttled: per(answered.map((value, at) => value + throttled[at])), troubled: per(sent), sent: per(sent), when: left.map(clock),
    n_throttled: throttled, n_troubled: troubled, mark: left.map((at) => at + width / 2),
    marked: sent.map((value, at) => (throttled[at] ? value / width : NaN)),
  };
  const end = Math.max(data.run.wall, sent.length * width, 1);
  const steps = data.ceiling.length ? data.ceiling : [];
  const at = steps.map((step) => step[0]);
  const rate = steps.map((step) => step[1]);
  if (at.length) { at[0] = 0; at.push(end); rate.push(rate[rate.length - 1]); }
  const most = Math.max(1, ...per(sent));
  const shown = rate.length && Math.max(...rate) <= most * 8; // a ceiling far above would flatten everything
  doc.get_model_by_name("ceiling").data = shown ? { at, rate } : { at: [], rate: [] };
  doc.get_model_by_name("rates").setv({ start: 0, end: Math.max(most, ...(shown ? rate : [0])) * 1.12 });
  const range = doc.get_model_by_name("seconds");
  const whole = drawn.end === undefined || (range.start <= 0 && range.end >= drawn.end);
  range.setv({ reset_start: 0, reset_end: end, bounds: null, ...(whole ? { start: 0, end } : {}) }); // who looks at a part goes on doing so
  drawn.end = end;
  if (NARROW.matches) for (const root of doc.roots()) {
    for (const model of root.references()) if (model.type === "AdaptiveTicker") model.desired_num_ticks = 3;
  }
}

function fillJobs(doc) {
  const jobs = data.jobs;
  const order = jobs.key.map((_, at) => at);
  const bad = order.filter((at) => jobs.ending[at] === "failed");
  const tops = Object.fromEntries(jobs.bands.map(([, top, , band]) => [band, top]));
  const lane = (at) => tops[jobs.band[at]] + jobs.lane[at];
  const thin = Math.max(data.run.wall, 1) / 1500; // the shortest job is still seen
  const bars = (some) => ({
    left: some.map((at) => jobs.began[at]), right: some.map((at) => Math.max(jobs.ended[at], jobs.began[at] + thin)),
    top: some.map((at) => lane(at) + 0.08), bottom: some.map((at) => lane(at) + 0.92), key: some.map((at) => jobs.key[at]),
    ending: some.map((at) => jobs.ending[at]), when: some.map((at) => worded(at).when), took: some.map((at) => worded(at).took),
    item: some.map((at) => jobs.item[at]),
  });
  const others = [...order.filter((at) => jobs.ending[at] !== "succeeded" && jobs.ending[at] !== "failed"), ...bad];
  const good = order.filter((at) => jobs.ending[at] === "succeeded");
  // While a run goes this is drawn again and again, and a page must answer in between.
  const every = data.run.status === "running" ? Math.max(1, Math.ceil(good.length / LIVE_BARS)) : 1;
  const some = every === 1 ? good : good.filter((_, at) => at % every === 0);
  doc.get_model_by_name("jobs").data = bars(some);
  doc.get_model_by_name("other-jobs").data = { ...bars(others), color: others.map((at) => ENDS[jobs.ending[at]] || "#9aa4af") };
  const of = (make) => bad.map(make);
  doc.get_model_by_name("failed").data = {
    x: of((at) => jobs.ended[at]), y: of((at) => lane(at) + 0.5), key: of((at) => jobs.key[at]), ending: of(() => "failed"),
    when: of((at) => worded(at).when), took: of((at) => worded(at).took), item: of((at) => jobs.item[at]),
  };
  const lanes = jobs.bands.length ? Math.max(...jobs.bands.map(([, top, height]) => top + height)) : 1;
  const range = doc.get_model_by_name("lanes");
  const whole = drawn.lanes === undefined || (range.start >= drawn.lanes && range.end <= -0.5);
  range.setv({ reset_start: lanes + 0.5, reset_end: -0.5, ...(whole ? { start: lanes + 0.5, end: -0.5 } : {}) });
  drawn.lanes = lanes + 0.5;
  const axis = doc.get_model_by_name("bands");
  if (NARROW.matches) {
    axis.major_label_text_font_size = "9px";
    doc.get_model_by_name("timeline").title.text = "Every job";
  }
  const middle = jobs.bands.map(([name, top, height]) => [top + height / 2, name]);
  axis.ticker.ticks = middle.map(([at]) => at);
  axis.major_label_overrides = new Map(middle);
  doc.get_model_by_name("lives").data = { at: data.lives.slice(1).map((life) => life[0]) };
  const shown = some.length + others.length;
  $("time-note").textContent = shown < jobs.all
    ? `${count(shown)} of ${count(jobs.all)} jobs are drawn: all that failed, and every so many of the others. `
    : `${count(jobs.all)} jobs, each from its first request to its end. `;
  $("time-note").append("Red failed. Drag over a part to enlarge it; click a job for its row.");
}

function fillLatency(doc) {
  const rows = data.latency.slice(0, 24);
  const column = (at) => rows.map((row) => Math.max(row[at], 0.0001));
  const words_ = (at) => rows.map((row) => duration(row[at]));
  doc.get_model_by_name("endpoints").factors = rows.map((row) => row[0]).reverse();
  const all = [2, 3, 4, 5].flatMap(column);
  if (all.length) doc.get_model_by_name("durations").setv({ start: Math.min(...all) / 1.5, end: Math.max(...all) * 1.5 });
  doc.get_model_by_name("latency-source").data = {
    endpoint: rows.map((row) => row[0]), count: rows.map((row) => row[1]), p50: column(2), p90: column(3), p95: column(4), p99: column(5),
    s50: words_(2), s90: words_(3), s95: words_(4), s99: words_(5),
  };
  doc.get_model_by_name("latency").height = 130 + 30 * rows.length;
}

function paint(theme) {
  const ink = INKS[theme] || INKS.light;
  for (const doc of Object.values(drawn.docs || {})) {
    for (const root of doc.roots()) {
      for (const model of root.references()) {
        const set = {};
        const has = (name) => name in model.properties;
        if (has("background_fill_color") && has("border_fill_color")) Object.assign(set, { background_fill_color: ink.paper, border_fill_color: ink.paper, outline_line_color: null });
        if (has("major_label_text_color")) Object.assign(set, { major_label_text_color: ink.quiet, axis_label_text_color: ink.quiet, axis_line_color: ink.line, major_tick_line_color: ink.line, minor_tick_line_color: ink.line });
        if (has("text_color") && has("text") && has("vertical_align")) Object.assign(set, { text_color: ink.ink });
        if (has("grid_line_color")) Object.assign(set, { grid_line_color: ink.quiet });
        if (Object.keys(set).length) model.setv(set);
      }
    }
  }
}

function zoom(how) {
  const range = drawn.docs.time.get_model_by_name("seconds");
  const [start, end] = [range.start, range.end];
  const width = end - start;
  const move = { in: [width / 4, -width / 4], out: [-width / 2, width / 2], left: [-width / 2, -width / 2], right: [width / 2, width / 2] }[how];
  let next = move ? [start + move[0], end + move[1]] : [0, drawn.end];
  const span = Math.min(next[1] - next[0], drawn.end);
  next[0] = Math.max(0, Math.min(next[0], drawn.end - span));
  range.setv({ start: next[0], end: next[0] + span });
}

// The charts with the data as it is now; each is put into the page when it first has something to show.
async function fillCharts() {
  const docs = drawn.docs;
  fillRate(docs.time);
  await turn();
  fillJobs(docs.time);
  await turn();
  fillLatency(docs.latency);
  const shown = { time: data.jobs.all || data.series.sent.length, latency: data.latency.length };
  for (const name of Object.keys(docs)) $(`charts-${name}`).hidden = !shown[name];
  const draw = (name) => Bokeh.embed.add_document_standalone(docs[name], $(`chart-${name}`));
  const first = (name) => shown[name] && !drawn.shown.has(name) && drawn.shown.add(name);
  if (first("time")) await draw("time");
  if (first("latency")) {
    // Far down the page: drawn when somebody comes near.
    const near = new IntersectionObserver((seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      near.disconnect();
      draw("latency").then(() => ready("latency"));
    }, { rootMargin: "800px" });
    near.observe($("chart-latency"));
  }
}

async function showCharts() {
  const items = JSON.parse($("charts") ? $("charts").textContent : await (await fetch("/assets/charts.json")).text());
  const docs = {};
  for (const name of ["time", "latency"]) docs[name] = Bokeh.require("document").Document.from_json(items[name].doc);
  drawn.docs = docs;
  paint(document.documentElement.dataset.theme); // before they are drawn, so that they are drawn once
  await fillCharts();
  document.addEventListener("theme", (event) => paint(event.detail));
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => zoom(button.dataset.zoom));
  if (matchMedia("(pointer: fine)").matches) {
    for (const name of ["rate-zoom", "jobs-zoom"]) docs.time.get_model_by_name(name).active = true;
  }
  for (const jobs of ["failed", "other-jobs", "jobs"].map((name) => docs.time.get_model_by_name(name))) {
    jobs.selected.properties.indices.change.connect(() => {
      const [at] = jobs.selected.indices;
      const row = at === undefined ? undefined : data.items[jobs.data.item[at]];
      if (row) showRows("items", { text: row[1] });
    });
  }
  ready("charts");
}
showCharts().catch((error) => {
  ready("broken");
  console.error(error);
});
