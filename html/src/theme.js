// SPDX-License-Identifier: MIT
// theme.js - light and dark: the system's choice, unless the button has been pressed.

const KEY = 'lineprof-theme';

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a local file may not be allowed to remember
  }
}

function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // then only for as long as the page is open
  }
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

export function toggleTheme() {
  const theme = isDark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
  remember(theme);
}

export function startTheme(button) {
  const theme = remembered();
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  button.setAttribute('aria-label', 'Change between light and dark');
  button.title = 'Light or dark (d)';
  button.addEventListener('click', toggleTheme);
}
