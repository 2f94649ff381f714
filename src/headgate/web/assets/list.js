// Every run of the store, newest first.
const PAGE = 50;
const view = { at: 0, text: "" };
let straight = location.hash.startsWith("#token="); // who opens the address that a run printed wants to see that run
if (location.hash.startsWith("#token=")) {
  try { sessionStorage.setItem("headgate-token", decodeURIComponent(location.hash.slice(7))); } catch { /* asked for again */ }
  history.replaceState(null, "", location.pathname);
}

function cells([id, manifest, sandbox, command, status, began, seconds, sent, open, driver]) {
  const doing = command === "run" ? [] : [el("span", { class: "quiet" }, ` ${command}`)];
  return [
    el("td", { class: "name" }, el("a", { href: `/runs/${encodeURIComponent(id)}` }, id), ...doing),
    el("td", { class: tone(status) }, status, ...(data.live.here === id ? [el("span", { class: "quiet" }, " here")] : driver ? [el("span", { class: "quiet" }, ` by ${driver}`)] : [])),
    el("td", {}, sandbox), el("td", {}, new Date(began).toLocaleString()), el("td", { class: "num" }, seconds ? duration(seconds) : ""),
    el("td", { class: "num" }, `${count(sent)} requests`), el("td", { class: "num" }, open ? `${count(open)} open` : ""),
  ];
}

const redraw = whenSeen(() => {
  if (straight && data.live.here) {
    straight = false;
    location.replace(`/runs/${encodeURIComponent(data.live.here)}`);
    return;
  }
  const wanted = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = data.runs.filter((row) => wanted.every((word) => row.slice(0, 5).join(" ").toLowerCase().includes(word)));
  view.at = Math.min(view.at, Math.max(0, Math.ceil(found.length / PAGE - 1) * PAGE));
  const shown = found.slice(view.at, view.at + PAGE);
  const number = { class: "num" };
  if (!$("runs").tHead.children.length) {
    $("runs").tHead.append(el("tr", {}, ...["run", "status", "sandbox", "began"].map((head) => el("th", {}, head)),
      ...["took", "sent", "left"].map((head) => el("th", number, head))));
  }
  keyed($("runs").tBodies[0], shown.map((row) => [row[0], () => el("tr", {}), (line) => {
    const text = JSON.stringify([row, data.live.here]);
    if (line.told !== text) line.replaceChildren(...cells(row)); // a link that is about to be clicked stays
    line.told = text;
  }]));
  $("where").textContent = found.length ? `${count(view.at + 1)} to ${count(view.at + shown.length)} of ${count(found.length)}`
    : live.mark ? "no runs yet" : "";
  $("back").disabled = view.at === 0;
  $("more").disabled = view.at + PAGE >= found.length;
  $("store").textContent = data.live.store || "";
  $("trouble").hidden = !data.live.trouble;
  $("trouble").textContent = data.live.trouble || "";
  const going = data.runs.filter((row) => row[4] === "running").length;
  document.title = going ? `${plural(going, "run")} going: headgate` : "headgate";
  document.documentElement.dataset.drawn = String(Number(document.documentElement.dataset.drawn || 0) + 1);
});

showTheme();
$("search").addEventListener("input", () => { view.text = $("search").value; view.at = 0; redraw(); });
for (const [id, step] of [["back", -PAGE], ["more", PAGE]]) $(id).addEventListener("click", () => { view.at += step; redraw(); });
connect("/events", redraw);
