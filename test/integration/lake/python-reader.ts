/** A reader of a lake that has nothing of ours: Python with DuckDB's package of PyPI. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { version } from '@duckdb/node-api';
import { fromPyPI } from '../../helpers/fetched-tools';
import { connectionString, type TestDatabase } from '../../helpers/postgres';
import { EXTENSIONS } from '../../helpers/settings';

export interface Answers {
  readonly errors: readonly string[];
  /** By source table: `count/sum`, each once. */
  readonly seen: ReadonlyMap<string, ReadonlySet<string>>;
}

/** undefined, and a line that says so, where the package cannot be had. */
export function startPython(
  database: TestDatabase,
  tables: readonly string[],
): { ended(): Promise<Answers> } | undefined {
  const { folder, missing } = fromPyPI('duckdb', version().replace(/^v/, ''));
  if (folder === undefined) {
    process.stderr.write(`Skipped, since there is no ${missing}: the reader in Python\n`);
    return undefined;
  }
  const script = join(__dirname, '../../helpers/lake-reader.py');
  const names = tables.map((table) => `source_public_${table}`);
  const child = spawn('python3', [script, EXTENSIONS, connectionString(database, database.name), ...names], {
    stdio: 'pipe',
    env: { ...process.env, PYTHONPATH: folder },
  });
  let output = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  return {
    async ended() {
      const closed = once(child, 'close');
      child.stdin.end();
      await closed;
      const lines = output.split('\n').map((line) => line.split('\t'));
      const seen = new Map(names.map((_name, index) => [tables[index] ?? '', new Set<string>()]));
      for (const [name = '', count, sum] of lines) seen.get(name.replace('source_public_', ''))?.add(`${count}/${sum}`);
      const errors = lines.flatMap(([what, text = '']) => (what === 'error' ? [text] : []));
      return { errors: complaints === '' ? errors : [...errors, complaints], seen };
    },
  };
}
