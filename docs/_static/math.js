// Typesets the formulas of a page with the copy of KaTeX beside this file.
document.addEventListener("DOMContentLoaded", () => {
  for (const formula of document.querySelectorAll("[data-tex]")) {
    katex.render(formula.dataset.tex, formula, {
      displayMode: formula.tagName === "DIV",
      throwOnError: true,
    });
  }
});
