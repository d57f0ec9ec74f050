// What the pages share. Every text goes in as text (textContent), since names and errors come from a database that may
// hold anything.
'use strict';

{
  const integer = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
  const decimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key === 'class') made.className = value;
      else if (key in made) made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  const number = (value) => (value === null || value === undefined ? '–' : integer.format(value));

  function duration(seconds) {
    if (seconds === null || seconds === undefined) return '–';
    if (seconds < 60) return `${decimal.format(seconds)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
    return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  }

  // Values of a series; null stands for none.
  const last = (values) => values.findLast((value) => value !== null) ?? null;
  const most = (values) => values.reduce((top, value) => (top === null || value > top ? (value ?? top) : top), null);

  /** A row's name, breakable where its parts end. */
  function nameCell(name) {
    const parts = name.split(/(?<=[._])/).flatMap((part) => [part, element('wbr')]);
    return element('th', { scope: 'row' }, ...parts.slice(0, -1));
  }

  function renderState(text, kind) {
    const state = document.getElementById('state');
    // Set only when it changes: a screen reader says it aloud each time.
    if (state.textContent !== text) state.textContent = text;
    state.className = `state ${kind}`;
  }

  /** Each has a name and a value. */
  function renderFigures(figures) {
    const made = figures.map(([name, value]) =>
      element('div', {}, element('dt', { textContent: name }), element('dd', { textContent: value })),
    );
    document.getElementById('figures').replaceChildren(...made);
  }

  /** A section that is there only when it has something. */
  function renderList(id, texts) {
    document.getElementById(id).replaceChildren(...texts.map((text) => element('li', { textContent: text })));
    document.getElementById(`${id}-section`).hidden = texts.length === 0;
  }

  /** Renders what the server has, again and again; people can hold it with the button. `gone`: said without an answer. */
  function poll({ url, everyMs, render, gone }) {
    const pause = document.getElementById('pause');
    const notice = document.getElementById('notice');
    let paused = false;
    const say = (text) => {
      if (notice.textContent !== text) notice.textContent = text;
    };
    async function next() {
      if (!paused) {
        try {
          const response = await fetch(url, { cache: 'no-store' });
          if (!response.ok) throw new Error(String(response.status));
          const data = await response.json();
          if (!paused) render(data);
          say('');
        } catch {
          say(gone);
        }
      }
      setTimeout(() => void next(), everyMs);
    }
    pause.hidden = false;
    pause.addEventListener('click', () => {
      paused = !paused;
      pause.textContent = paused ? 'Go on' : 'Pause';
      pause.setAttribute('aria-pressed', String(paused));
    });
    void next();
  }

  globalThis.pgsluice = {
    ...{ element, integer, decimal, number, duration, last, most, nameCell },
    ...{ renderState, renderFigures, renderList, poll },
  };
}
