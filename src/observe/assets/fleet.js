// The page of a fleet: what `fleet status` says, kept up to date.
'use strict';

{
  /* global pgsluice */
  const { element, integer, number, duration, nameCell, renderState, renderFigures, renderList, poll } = pgsluice;
  /** A browser takes long to lay out more rows. */
  const MOST_SOURCES = 1000;

  const time = (iso) => new Date(iso).toISOString().replace('T', ' ').slice(0, 19);
  const sum = (sources, of) => sources.reduce((total, source) => total + (of(source) ?? 0), 0);
  const cell = (text, kind = '') => element('td', { class: kind, textContent: text });
  const hasFailed = ({ failures }) => failures.some(({ retried }) => !retried);

  function renderHead({ queue, failed, running, waiting, workers }) {
    const live = workers.filter((worker) => worker.live).length;
    const state =
      live === 0
        ? 'no worker is alive'
        : failed > 0
          ? `${integer.format(failed)} ${failed === 1 ? 'source has' : 'sources have'} failed`
          : running + waiting > 0
            ? 'working'
            : 'all is done';
    renderState(state, live === 0 || failed > 0 ? 'bad' : running + waiting > 0 ? '' : 'good');
    document.title = `pgsluice fleet: ${state}`;
    document.getElementById('sub').textContent = `queue in ${queue}`;
  }

  function showFigures({ sources, workers, waiting, running, failed }) {
    const live = workers.filter((worker) => worker.live).length;
    const lags = sources.flatMap(({ lagSeconds }) => (lagSeconds === null ? [] : [lagSeconds]));
    const never = sources.filter(({ syncedAsOf }) => syncedAsOf === null).length;
    renderFigures([
      ['Sources', integer.format(sources.length)],
      ['Sources that failed', integer.format(failed)],
      ['Never synced whole', integer.format(never)],
      ['Longest lag', lags.length === 0 ? '–' : duration(Math.max(...lags))],
      ['Workers alive', `${integer.format(live)} of ${integer.format(workers.length)}`],
      ['Jobs waiting', integer.format(waiting)],
      ['Jobs running', integer.format(running)],
      ['Tables read, last rounds', integer.format(sum(sources, ({ lastRound }) => lastRound?.tables))],
      ['Tables unchanged', integer.format(sum(sources, ({ lastRound }) => lastRound?.unchanged))],
      ['Rows, last rounds', integer.format(sum(sources, ({ lastRound }) => lastRound?.rows))],
    ]);
  }

  /** Those that need somebody come first. */
  function inOrder(sources) {
    const lag = ({ lagSeconds }) => lagSeconds ?? Infinity;
    return [...sources].sort((a, b) => {
      if (hasFailed(a) !== hasFailed(b)) return hasFailed(a) ? -1 : 1;
      return lag(a) === lag(b) ? 0 : lag(b) - lag(a);
    });
  }

  function sourceRow(source) {
    const { lastRound: round } = source;
    return element(
      'tr',
      { class: hasFailed(source) ? 'failed' : '' },
      nameCell(source.name),
      cell(source.schedule ?? 'on demand', 'wide'),
      cell(source.destinationSchema ?? '–', 'wide'),
      cell(source.syncedAsOf === null ? 'never synced' : duration(source.lagSeconds), 'number'),
      cell(round === null ? '–' : round.state),
      cell(number(round?.tables), 'number wide'),
      cell(number(round?.unchanged), 'number wide'),
      cell(number(round?.rows), 'number wide'),
      cell(number(source.waiting), 'number'),
      cell(number(source.running), 'number'),
    );
  }

  function renderSources(sources) {
    const shown = inOrder(sources).slice(0, MOST_SOURCES);
    document.getElementById('sources').replaceChildren(...shown.map(sourceRow));
    const left = sources.length - shown.length;
    const note = document.getElementById('sources-left');
    note.textContent = `${integer.format(left)} more with less lag are not shown; status.json has all of them.`;
    note.hidden = left === 0;
  }

  function renderWorkers(workers) {
    const rows = workers.map(({ name, live, startedAt, seenAt }) =>
      element(
        'tr',
        {},
        nameCell(name),
        cell(live ? 'alive' : 'gone'),
        cell(time(startedAt), 'number wide'),
        cell(time(seenAt), 'number'),
      ),
    );
    document.getElementById('workers').replaceChildren(...rows);
  }

  function render(status) {
    const { sources, workers, lastMaintenance } = status;
    renderHead(status);
    showFigures(status);
    renderList(
      'failures',
      sources.flatMap(({ name, failures }) =>
        failures.map(
          ({ at, what, message, retried }) =>
            `${name}, ${what}, ${time(at)} UTC${retried ? ' (it is being tried again)' : ''}: ${message}`,
        ),
      ),
    );
    renderList(
      'refusals',
      sources.flatMap(({ name, refusals }) =>
        Object.entries(refusals).map(([worker, reason]) => `${name} by ${worker}: ${reason}`),
      ),
    );
    renderSources(sources);
    renderWorkers(workers);
    renderList(
      'maintenance',
      lastMaintenance === null ? [] : [`${time(lastMaintenance.at)} UTC: ${lastMaintenance.summary}`],
    );
  }

  poll({
    url: 'status.json',
    // Each look reads the queue's tables.
    everyMs: 5000,
    render,
    gone: 'No answer: this worker has ended, or the queue cannot be reached. What you see is its last word.',
  });
}
