// The theme is set before anything is painted, so this is no module. Without a
// choice the system's holds.
(() => {
  const key = 'theme';
  const themes = ['system', 'light', 'dark'];
  const root = document.documentElement;
  let theme = 'system';
  try {
    theme = localStorage.getItem(key) ?? theme;
  } catch { /* a browser that keeps nothing: the system's theme */ }

  function apply() {
    root.style.colorScheme = theme === 'system' ? '' : theme;
    dispatchEvent(new Event('themechange'));
  }
  if (!themes.includes(theme)) theme = 'system';
  apply();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);

  addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme');
    const label = () => {
      button.dataset.shown = theme;
      button.setAttribute('aria-label', `Theme: ${theme}`);
      button.title = `Theme: ${theme}`;
    };
    label();
    button.addEventListener('click', () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      try {
        localStorage.setItem(key, theme);
      } catch { /* it holds until the page is left */ }
      apply();
      label();
    });
  });
})();
