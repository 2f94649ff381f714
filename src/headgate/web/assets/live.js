// Events from the server: a whole state first, then changes to it. See web/delta.py for what a change is.
const SKELETON = structuredClone(data);
const live = { mark: "", source: null, events: 0, over: false };

function applied(state, change) {
  for (const [name, value] of Object.entries(change.set || {})) state[name] = value;
  for (const name of change.gone || []) delete state[name];
  for (const [name, [length, rows]] of Object.entries(change.rows || {})) {
    state[name].length = Math.min(state[name].length, length);
    for (const [at, row] of rows) state[name][at] = row;
  }
  for (const [name, { stay, more, rest }] of Object.entries(change.tails || {})) {
    for (const [column, values] of Object.entries(more)) {
      state[name][column].length = stay;
      for (const value of values) state[name][column].push(value);
    }
    Object.assign(state[name], rest);
  }
}

function linked(how, words) {
  $("link").textContent = words;
  $("link").className = `badge state-${how}`;
  document.documentElement.dataset.link = words;
}

function connect(where, changed) {
  const source = new EventSource(`${where}${live.mark ? `?since=${encodeURIComponent(live.mark)}` : ""}`);
  live.source = source;
  const heard = (take) => (event) => {
    take(JSON.parse(event.data));
    live.mark = event.lastEventId || live.mark;
    live.events += 1;
    const trouble = data.live.trouble;
    linked(trouble ? "bad" : "good", trouble ? "trouble" : "live");
    changed();
  };
  source.addEventListener("state", heard((state) => {
    for (const name of Object.keys(data)) delete data[name];
    Object.assign(data, structuredClone(SKELETON), state);
  }));
  source.addEventListener("delta", heard((change) => applied(data, change)));
  source.addEventListener("bye", () => {
    source.close();
    live.over = true;
    linked("quiet", "over");
    changed();
  });
  source.addEventListener("error", () => {
    if (live.over) return;
    linked("warn", "reconnecting");
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    source.close();
    setTimeout(() => connect(where, changed), 2000);
  });
}

// Redraw when the browser is about to draw anyway, once for all that has come since: not at all where nobody looks.
function whenSeen(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };
}
