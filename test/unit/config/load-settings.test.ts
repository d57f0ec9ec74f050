import { parseOption } from '../../../src/config/option-values';
import { environmentNamesOf, flagOf, OPTIONS } from '../../../src/config/options';
import { FLEET_DEFAULTS } from '../../helpers/fleet-defaults';
import { COMPLETE, directory, load, problems, writeConfiguration } from './settings-folder';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

describe('a complete configuration', () => {
  it('gives the documented defaults', () => {
    writeConfiguration(COMPLETE);
    expect(load().settings).toEqual({
      driver: undefined,
      dsn: undefined,
      host: 'db',
      port: 5432,
      database: 'shop',
      username: 'me',
      password: 's3cret!',
      sslmode: undefined,
      sslrootcert: undefined,
      region: undefined,
      maxRetries: 5,
      retrySleepSeconds: 5,
      debug: false,
      tableFilters: [],
      includeViews: false,
      columns: [],
      columnsUnlisted: 'read',
      columnsDenied: 'fail',
      hashKey: undefined,
      typeMode: 'exact',
      syncMode: 'auto',
      tableOptions: [],
      reconcileEvery: undefined,
      verifyBudgetSeconds: 60,
      maxDeletes: 50,
      metadataHistory: 'changes',
      fullResync: [],
      schemaDrift: 'evolve',
      slotName: undefined,
      publicationName: 'pgsluice',
      timestampWindowSeconds: undefined,
      batchMode: 'adaptive',
      customBatchSize: undefined,
      customThreads: undefined,
      customQueueSize: undefined,
      statementTimeoutSeconds: 600,
      lockTimeoutSeconds: 60,
      batchBytes: 3_145_728,
      connectionTimeoutHours: 3,
      snapshotMaxAgeSeconds: 3600,
      stallTimeoutSeconds: 300,
      transformations: undefined,
      destination: 'duckdb',
      warehousePath: join(directory, 'files', 'warehouse.db'),
      lakeCatalog: join(directory, 'files', 'lake', 'catalog.ducklake'),
      lakeDataPath: undefined,
      lakeExtensions: undefined,
      lakeRetentionHours: 168,
      publishPath: undefined,
      publishKeep: 2,
      statePath: join(directory, 'files', 'state.json'),
      destinationSchema: 'tester',
      destinationTable: 'source_{schema}_{table}',
      naming: 'source',
      logFormat: 'text',
      logLevel: 'info',
      reportPath: undefined,
      metricsPort: undefined,
      metricsHost: '127.0.0.1',
      fleet: { ...FLEET_DEFAULTS, sources: join(directory, 'sources') },
    });
  });

  it('has no warnings, and names the password as the secret', () => {
    writeConfiguration(COMPLETE);
    expect(load()).toMatchObject({ warnings: [], secrets: ['s3cret!'] });
  });

  it('masks no name for a password that is the same word', () => {
    writeConfiguration({ ...COMPLETE, username: 'shop', password: 'shop' });
    expect(load().secrets).toEqual([]);
    writeConfiguration({ ...COMPLETE, username: 'shop-41', password: 'shop-41' });
    expect(load().secrets).toEqual(['shop-41']);
  });

  it('reads every key of the ancestor', () => {
    writeConfiguration({
      ...COMPLETE,
      region: 'Europe',
      max_retries: '0',
      retry_sleep_seconds: '0.25',
      debug: 'True',
      table_filters: ' public.* , !*_old,',
      custom_batch_size: '7',
      custom_threads: '3',
      custom_queue_size: '900',
    });
    expect(load().settings).toMatchObject({
      region: 'Europe',
      maxRetries: 0,
      retrySleepSeconds: 0.25,
      debug: true,
      logLevel: 'debug',
      tableFilters: ['public.*', '!*_old'],
      customBatchSize: 7,
      customThreads: 3,
      customQueueSize: 900,
    });
  });

  it('accepts a byte order mark, as Windows editors write it', () => {
    writeConfiguration(`\ufeff${JSON.stringify(COMPLETE)}`);
    expect(load().settings.host).toBe('db');
  });

  it('keeps a password as it is, blanks included', () => {
    writeConfiguration({ ...COMPLETE, password: ' a;}%41+ ' });
    expect(load().settings.password).toBe(' a;}%41+ ');
  });

  it('takes table filters as a JSON array too, for names with commas', () => {
    writeConfiguration({ ...COMPLETE, table_filters: '["public.a,b", "!x"]' });
    expect(load().settings.tableFilters).toEqual(['public.a,b', '!x']);
  });

  it('treats empty optional values as not given', () => {
    writeConfiguration({ ...COMPLETE, region: '', custom_threads: ' ' });
    expect(load().settings).toMatchObject({ region: undefined, customThreads: undefined });
  });
});

describe('precedence', () => {
  it('is flag, environment, file, default', () => {
    writeConfiguration({ ...COMPLETE, max_retries: '1', batch_bytes: '2048' });
    const env = { PGSLUICE_MAX_RETRIES: '2', PGSLUICE_REGION: 'env' };
    expect(load({ env, flags: { max_retries: '3' } }).settings).toMatchObject({
      maxRetries: 3,
      region: 'env',
      batchBytes: 2048,
      retrySleepSeconds: 5,
    });
    expect(load({ env }).settings.maxRetries).toBe(2);
    expect(load().settings.maxRetries).toBe(1);
  });

  it('ignores empty environment variables', () => {
    writeConfiguration(COMPLETE);
    expect(load({ env: { PGSLUICE_HOST: '' } }).settings.host).toBe('db');
  });

  it('takes the password from PGSLUICE_PASSWORD, then PGPASSWORD, then the file', () => {
    writeConfiguration(COMPLETE);
    const env = { PGPASSWORD: 'general', PGSLUICE_PASSWORD: 'own' };
    expect(load({ env })).toMatchObject({ settings: { password: 'own' }, secrets: ['own'] });
    expect(load({ env: { PGPASSWORD: 'general' } }).settings.password).toBe('general');
  });

  it('needs no file when environment and flags hold everything', () => {
    const env = { PGSLUICE_HOST: 'db', PGSLUICE_PORT: '1', PGSLUICE_DATABASE: 'd', PGPASSWORD: 'secret' };
    expect(load({ env, flags: { username: 'me' } }).settings).toMatchObject({ username: 'me', password: 'secret' });
  });

  it('reads the file of the flag, else of FIVETRAN_CONFIGURATION, else configuration.json', () => {
    writeConfiguration({ ...COMPLETE, region: 'default' });
    writeConfiguration({ ...COMPLETE, region: 'variable' }, 'variable.json');
    writeConfiguration({ ...COMPLETE, region: 'flag' }, 'flag.json');
    const env = { FIVETRAN_CONFIGURATION: 'variable.json' };
    expect(load({ env, configurationPath: 'flag.json' }).settings.region).toBe('flag');
    expect(load({ env }).settings.region).toBe('variable');
    expect(load().settings.region).toBe('default');
  });
});

describe('paths', () => {
  it('start at the working directory for flags, and beside the file for its own', () => {
    mkdirSync(join(directory, 'conf'));
    writeConfiguration('{}', 'conf/rules.mjs');
    const configurationPath = writeConfiguration(
      { ...COMPLETE, transformations: './rules.mjs', warehouse_path: 'w.db' },
      'conf/c.json',
    );
    expect(load({ configurationPath, flags: { state_path: 's.json' } }).settings).toMatchObject({
      transformations: join(directory, 'conf', 'rules.mjs'),
      warehousePath: join(directory, 'conf', 'w.db'),
      statePath: join(directory, 's.json'),
    });
  });

  it('must exist where a file is read', () => {
    writeConfiguration({ ...COMPLETE, sslrootcert: 'nowhere.crt' });
    expect(problems()).toEqual([expect.stringMatching(/^sslrootcert .*nowhere\.crt, which does not exist/)]);
  });

  it("leaves libpq's own word for the system's certificates alone", () => {
    writeConfiguration({ ...COMPLETE, sslrootcert: 'system' });
    expect(load().settings.sslrootcert).toBe('system');
  });
});

describe('a data source name', () => {
  it('makes the other connection options optional', () => {
    writeConfiguration({ dsn: 'shop', username: 'me' });
    expect(load().settings).toMatchObject({ dsn: 'shop', host: undefined, username: 'me', password: undefined });
  });
});

describe('warnings', () => {
  it('name unknown keys, with the key that was meant', () => {
    const path = writeConfiguration({ ...COMPLETE, regoin: 'x', maxRetries: '1', zzzzzz: 'x' });
    expect(load().warnings).toEqual([
      `The key "regoin" of ${path} is unknown and ignored; did you mean "region"?`,
      `The key "maxRetries" of ${path} is unknown and ignored; did you mean "max_retries"?`,
      `The key "zzzzzz" of ${path} is unknown and ignored; remove it.`,
    ]);
  });

  it('name misspelt variables, but not those of other programs', () => {
    writeConfiguration(COMPLETE);
    expect(load({ env: { PGSLUICE_REGOIN: 'x', PGSLUICE_SOMETHING_ELSE: 'x' } }).warnings).toEqual([
      'The environment variable PGSLUICE_REGOIN is unknown and ignored; did you mean PGSLUICE_REGION?',
    ]);
  });
});

describe('two passwords', () => {
  it('are told apart by their places, never by what they are', () => {
    const path = writeConfiguration(COMPLETE);
    const { settings, warnings } = load({ env: { PGPASSWORD: 'of the environment' } });
    expect(settings.password).toBe('of the environment');
    expect(warnings).toEqual([
      `The password is taken from the environment variable PGPASSWORD; ${path} has another one.`,
    ]);
  });

  it('are no news where they are equal, where one is empty, and where no login is made', () => {
    writeConfiguration(COMPLETE);
    expect(load({ env: { PGPASSWORD: COMPLETE.password } }).warnings).toEqual([]);
    expect(load({ env: { PGPASSWORD: 'other' }, groups: ['Destination'] }).warnings).toEqual([]);
    writeConfiguration({ ...COMPLETE, password: '' });
    expect(load({ env: { PGPASSWORD: 'other' } }).warnings).toEqual([]);
  });
});

describe('relative paths', () => {
  it('begin at the folder of the configuration file, defaults as well', () => {
    const folder = join(directory, 'etc');
    mkdirSync(folder);
    writeFileSync(join(folder, 'options.json'), '{"public.*": {"mode": "full"}}');
    writeFileSync(join(folder, 'shop.json'), JSON.stringify({ ...COMPLETE, table_options: 'options.json' }));
    const { settings, warnings } = load({ configurationPath: 'etc/shop.json' });
    expect(settings.warehousePath).toBe(join(folder, 'files/warehouse.db'));
    expect(settings.statePath).toBe(join(folder, 'files/state.json'));
    expect(settings.tableOptions).toEqual([['public.*', { mode: 'full' }]]);
    expect(warnings).toEqual([]);
  });

  it('begin at the working directory in flags and environment, and with the file that is there', () => {
    writeConfiguration(COMPLETE);
    expect(load().settings.warehousePath).toBe(join(directory, 'files/warehouse.db'));
    const given = { flags: { warehouse_path: 'w.db' }, env: { PGSLUICE_STATE_PATH: 's.json' } };
    const { settings } = load({ ...given, configurationPath: 'configuration.json' });
    expect([settings.warehousePath, settings.statePath]).toEqual([join(directory, 'w.db'), join(directory, 's.json')]);
  });

  it('leave no warehouse of earlier versions behind without a word', () => {
    const folder = join(directory, 'etc');
    for (const made of [folder, join(directory, 'files')]) mkdirSync(made);
    writeFileSync(join(folder, 'shop.json'), JSON.stringify(COMPLETE));
    writeFileSync(join(directory, 'files/warehouse.db'), '');
    expect(load({ configurationPath: 'etc/shop.json' }).warnings).toEqual([
      expect.stringMatching(/^There is no warehouse at .*etc\/files\/warehouse\.db, but one at .*"warehouse_path"/),
    ]);
  });
});

describe('loading some groups only', () => {
  it('neither asks for nor checks the others', () => {
    writeConfiguration({ host: 'YOUR_HOST', warehouse_path: 'w.db' });
    const { settings } = load({ groups: ['Destination'] });
    expect(settings.warehousePath).toBe(join(directory, 'w.db'));
    expect(settings.host).toBeUndefined();
  });
});

describe('the option table', () => {
  it('has no key, flag or variable twice', () => {
    for (const names of [
      OPTIONS.map((option) => option.key),
      OPTIONS.flatMap((option) => flagOf(option) ?? []),
      OPTIONS.flatMap(environmentNamesOf),
    ]) {
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('has defaults within their range', () => {
    for (const option of OPTIONS) {
      if ((option.kind === 'integer' || option.kind === 'number') && option.default !== undefined) {
        expect(option.default).toBeGreaterThanOrEqual(option.min);
        expect(option.default).toBeLessThanOrEqual(option.max);
      }
      if (option.kind === 'enum' && option.default !== undefined) expect(option.choices).toContain(option.default);
    }
  });

  it('gives the password no flag, since processes can be listed', () => {
    expect(OPTIONS.filter((option) => option.secret === true).map(flagOf)).toEqual([undefined]);
  });
});

it.each([
  ['lake_catalog', 'postgresql://me@host/lake', 'postgresql://me@host/lake'],
  ['lake_catalog', 'host=db dbname=lake', 'host=db dbname=lake'],
  ['lake_catalog', 'lake/c.ducklake', join('/base', 'lake', 'c.ducklake')],
  ['lake_catalog', 'sqlite:lake.db', `sqlite:${join('/base', 'lake.db')}`],
  ['lake_data_path', 's3://bucket/lake', 's3://bucket/lake'],
  ['lake_data_path', 'data', join('/base', 'data')],
])('%s may be a place elsewhere: %s', (key, text, value) => {
  const option = OPTIONS.find((each) => each.key === key);
  if (option === undefined) throw new Error(`No option ${key}.`);
  expect(parseOption(option, text, { name: key, directory: '/base' })).toEqual({ value });
});
