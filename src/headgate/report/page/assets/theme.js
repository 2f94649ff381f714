// Light, dark, or as the system has it.
function showTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let wish = "auto";
  try { wish = localStorage.getItem("headgate-theme") || "auto"; } catch { /* a file may not remember */ }
  const apply = () => {
    const theme = wish === "auto" ? (dark.matches ? "dark" : "light") : wish;
    document.documentElement.dataset.theme = theme;
    document.documentElement.style.colorScheme = theme;
    $("theme").textContent = `theme: ${wish}`;
    document.dispatchEvent(new CustomEvent("theme", { detail: theme }));
  };
  dark.addEventListener("change", apply);
  $("theme").addEventListener("click", () => {
    wish = { auto: "light", light: "dark", dark: "auto" }[wish] || "auto";
    try { localStorage.setItem("headgate-theme", wish); } catch { /* as above */ }
    apply();
  });
  apply();
}
