/** Dark or light: the system's choice until the reader makes one. */

const STORED = 'gameday-theme';

export type Theme = 'dark' | 'light';

/** A page opened from a file may have no storage at all. */
function storedTheme(): Theme | null {
  try {
    const theme = localStorage.getItem(STORED);
    return theme === 'dark' || theme === 'light' ? theme : null;
  } catch {
    return null;
  }
}

function storeTheme(theme: Theme): void {
  try {
    localStorage.setItem(STORED, theme);
  } catch {
    // It holds until the page is closed.
  }
}

export function currentTheme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === 'dark' || chosen === 'light') return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

/** Colours of the style sheet as a canvas takes them, kept until the theme changes. */
const resolved = new Map<string, string>();

/** A colour by its name in the style sheet, so that canvas and page never differ; always `rgb(…)` or `rgba(…)`. */
export function color(name: string): string {
  const known = resolved.get(name);
  if (known !== undefined) return known;
  const probe = document.createElement('i');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  resolved.set(name, value);
  return value;
}

/** `changed` is called whenever the colours of the page have become others. */
export function startTheme(button: HTMLElement, changed: () => void): void {
  const root = document.documentElement;
  const show = () => {
    resolved.clear();
    button.setAttribute('aria-pressed', String(currentTheme() === 'dark'));
    changed();
  };
  const stored = storedTheme();
  if (stored !== null) root.dataset.theme = stored;
  button.addEventListener('click', () => {
    const theme = currentTheme() === 'dark' ? 'light' : 'dark';
    root.dataset.theme = theme;
    storeTheme(theme);
    show();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);
  // Paper is white; canvases do not follow a print style sheet by themselves.
  let before: string | undefined;
  addEventListener('beforeprint', () => {
    before = root.dataset.theme;
    root.dataset.theme = 'light';
    show();
  });
  addEventListener('afterprint', () => {
    if (before === undefined) delete root.dataset.theme;
    else root.dataset.theme = before;
    show();
  });
  button.setAttribute('aria-pressed', String(currentTheme() === 'dark'));
}
