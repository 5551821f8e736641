// Light or dark: as it was chosen here, else as the system has it. Runs before anything is drawn, so that nothing flashes.

(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function show() {
    const chosen = localStorage.getItem("theme");
    if (chosen) root.dataset.theme = chosen;
    else delete root.dataset.theme;
    const button = document.getElementById("theme");
    if (!button) return;
    const next = (chosen ?? (dark.matches ? "dark" : "light")) === "dark" ? "light" : "dark";
    button.dataset.next = next;
    button.title = next === "dark" ? "Dark colours" : "Light colours";
    button.setAttribute("aria-label", button.title);
    button.querySelector("use").setAttribute("href", next === "dark" ? "#icon-moon" : "#icon-sun");
  }

  function turn({ currentTarget }) {
    const { next } = currentTarget.dataset;
    // Who wants what the system has goes with the system from then on.
    if ((next === "dark") === dark.matches) localStorage.removeItem("theme");
    else localStorage.setItem("theme", next);
    show();
  }

  show();
  dark.addEventListener("change", show);
  // Told to every other document of this page: to the phones, too.
  addEventListener("storage", show);
  addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme").addEventListener("click", turn);
  });
})();
