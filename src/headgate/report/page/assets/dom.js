// Small helpers. Everything shown is text: no string from the data ever becomes HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const el = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
};
// Children by key, [key, make, fill] each: one that stays is the same node, so that a click or a focus outlives an update.
const keyed = (parent, entries) => {
  const before = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const nodes = entries.map(([key, make, fill]) => {
    const node = before.get(String(key)) || make();
    node.dataset.key = key;
    fill(node);
    return node;
  });
  if (nodes.length !== parent.children.length || nodes.some((node, at) => parent.children[at] !== node)) parent.replaceChildren(...nodes);
};
const count = (value) => Number(value || 0).toLocaleString("en");
const plural = (value, one, many) => `${count(value)} ${value === 1 ? one : many || one + "s"}`;
const duration = (seconds) => {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 1) return `${(seconds * 1000).toPrecision(3)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
};
// A second of the run as a time of day: a run may have several lives, with a night between them.
const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clock = (second) => {
  let life = data.lives[0];
  for (const each of data.lives) if (each[0] <= second) life = each;
  return life ? timeOfDay.format((life[1] + second - life[0]) * 1000) : `${second.toFixed(1)} s`;
};
const entryName = (name) => name.replace(/\$\{[^}]*\}/g, "*");
const TONE = {
  created: "good", reused: "good", updated: "good", replaced: "good", deleted: "good", unchanged: "good", activated: "good",
  succeeded: "good", success: "good", running: "good", failed: "bad", skipped: "warn", held: "warn", partial: "warn", unmapped: "warn",
  "out-of-schedule": "warn", stopped: "warn", interrupted: "warn", abandoned: "warn",
};
const tone = (state) => `state-${TONE[state] || "quiet"}`;
const copy = async (text, button) => {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { style: "position:fixed;opacity:0" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "copied";
  setTimeout(() => { button.textContent = before; }, 1500);
};
const save = (name, type, text) => {
  const link = el("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
