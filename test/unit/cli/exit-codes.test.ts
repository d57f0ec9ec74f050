import { exitCodeOfError, exitCodeOfReport } from '../../../src/cli/exit-codes';
import { ConnectorError, type ErrorKind } from '../../../src/common/errors';
import { emptyReport } from '../observe/sample-report';

const failure = (kind: ErrorKind): ConnectorError => new ConnectorError('It failed.', { code: 'test', kind });

function report(...kinds: readonly (ErrorKind | undefined)[]): Parameters<typeof exitCodeOfReport>[0] {
  const tables = kinds.map((kind, index) => ({
    key: `public.t${index}`,
    destinationTable: `source_public_t${index}`,
    rows: 1,
    seconds: 1,
    ...(kind === undefined ? {} : { error: failure(kind) }),
  }));
  return { ...emptyReport, tables };
}

describe('exit codes', () => {
  it.each([
    ['configuration', 2],
    ['connection', 3],
    ['source', 4],
    ['destination', 5],
    ['interrupted', 130],
    ['internal', 1],
  ] as const)('an error of kind %s that ends the run gives %i', (kind, code) => {
    expect(exitCodeOfError(failure(kind))).toBe(code);
  });

  it.each([
    ['no table', [], 0],
    ['good tables', [undefined, undefined], 0],
    ['one bad table', [undefined, 'source'], 4],
    ['a connection lost for one table', [undefined, 'connection'], 4],
    ['a connection lost for all', ['connection', 'connection'], 3],
    ['a warehouse that cannot be written', [undefined, 'source', 'destination'], 5],
    ['an interrupted table', [undefined, 'source', 'interrupted'], 130],
  ] as const)('%s', (_name, kinds, code) => {
    expect(exitCodeOfReport(report(...kinds))).toBe(code);
  });
});
