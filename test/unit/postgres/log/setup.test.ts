/** What depends on versions that no test server has at the same time. */
import type { TableSchema } from '../../../../src/model/table';
import {
  coverageDigest,
  readingObstacles,
  setupObstacles,
  setupStatements,
  type LogFacts,
  type RelationIdentity,
} from '../../../../src/postgres/log';

const NAMES = { slotName: 'pgsluice_shop', publicationName: 'pgsluice' };

const table = (name: string, oid: number, kind: TableSchema['kind'] = 'table'): TableSchema => ({
  ...{ oid, schema: 'public', name, kind, comment: null, columns: [], layout: '', primaryKey: ['id'], relations: [] },
  ...{ rowSecurity: false, estimatedRows: 1, bytes: 1 },
});

const identity = (name: string, oid: number, more: Partial<RelationIdentity> = {}): RelationIdentity => ({
  ...{ oid, schema: 'public', name, parents: [], kind: 'r', persistence: 'p', identity: 'd', identityColumns: ['id'] },
  ...{ generatedColumns: [], owned: true, attached: '' },
  ...more,
});

function factsOf(server: Partial<LogFacts['server']>, identities: readonly RelationIdentity[] = []): LogFacts {
  return {
    server: {
      ...{
        versionNumber: 180_000,
        walLevel: 'logical',
        standby: false,
        maxReplicationSlots: 10,
        usedReplicationSlots: 0,
        xmin: '800',
      },
      ...{ maxSlotWalKeepBytes: -1, mayReplicate: true, superuser: false, mayPublish: true, user: 'reader' },
      ...{ database: 'shop', serviceRole: null, currentLsn: '0/1' },
      ...server,
    },
    ...{ slot: null, otherSlots: [], publication: null },
    identities: new Map(identities.map((each) => [each.oid, each])),
  };
}

const codes = (server: Partial<LogFacts['server']>): readonly string[] =>
  setupObstacles(factsOf(server), NAMES).map(({ code }) => code);

it('refuses what a version cannot do', () => {
  expect(codes({})).toEqual([]);
  expect(codes({ versionNumber: 110_000 })).toEqual(['server_version']);
  expect(codes({ versionNumber: 150_000, standby: true })).toEqual(['standby_version']);
  expect(codes({ versionNumber: 160_000, standby: true })).toEqual([]);
});

it('says everything at once', () => {
  expect(codes({ walLevel: 'replica', mayReplicate: false, usedReplicationSlots: 10 })).toEqual([
    ...['wal_level', 'replication_right', 'slots_used_up'],
  ]);
  expect(readingObstacles(factsOf({ walLevel: 'replica' }), NAMES).map(({ code }) => code)).toEqual([
    ...['wal_level', 'slot_missing', 'publication_missing'],
  ]);
});

it("grants a service's own role, and takes a right that may not be seen for given", () => {
  const [obstacle] = setupObstacles(factsOf({ mayReplicate: false, serviceRole: 'rds_replication' }), NAMES);
  expect(obstacle?.remedy).toBe('GRANT "rds_replication" TO "reader";');
  expect(codes({ mayReplicate: null })).toEqual([]);
});

it('names partitions before PostgreSQL 13, columns from 15 on, and never a table that would then refuse changes', () => {
  const tables = [table('orders', 1), table('events', 2, 'partitioned'), table('whole', 4), table('silent', 5)];
  const identities = [
    ...[identity('orders', 1), identity('events', 2, { kind: 'p' }), identity('events_1', 3, { parents: [2] })],
    identity('whole', 4, { identity: 'f', identityColumns: null }),
    identity('silent', 5, { identity: 'n', identityColumns: [] }),
  ];
  const first = (versionNumber: number): string | undefined =>
    setupStatements(tables, factsOf({ versionNumber }, identities), NAMES).publication[0]?.sql;
  expect(first(120_000)).toBe(
    'CREATE PUBLICATION "pgsluice" FOR TABLE ONLY "public"."orders", ONLY "public"."events_1", ONLY "public"."whole";',
  );
  expect(first(140_000)).toBe(
    'CREATE PUBLICATION "pgsluice" FOR TABLE ONLY "public"."orders", "public"."events", ONLY "public"."whole" WITH (publish_via_partition_root = true);',
  );
  expect(first(180_000)).toBe(
    'CREATE PUBLICATION "pgsluice" FOR TABLE ONLY "public"."orders" ("id"), "public"."events" ("id"), ONLY "public"."whole" WITH (publish_via_partition_root = true);',
  );
});

it('another digest wherever changes may be missing from the log', () => {
  const orders = table('orders', 1);
  const publication = (more: object, mark = '1/1'): LogFacts['publication'] => ({
    ...{ name: 'pgsluice', mark, owner: 'o', owned: true, ours: true, allTables: false, viaRoot: true },
    ...{ inserts: true, updates: true, deletes: true, truncates: true },
    tables: [{ oid: 1, schema: 'public', name: 'orders', columns: ['id'], filter: null, mark: '2/2', ...more }],
  });
  const digest = (found: LogFacts['publication'], more: Partial<RelationIdentity> = {}): string =>
    coverageDigest(orders, { publication: found, identities: new Map([[1, identity('orders', 1, more)]]) });
  const same = digest(publication({}));
  expect(digest(publication({}))).toBe(same);
  for (const other of [
    digest(publication({}, '1/9')),
    digest(publication({ mark: '2/9' })),
    digest(publication({ columns: ['id', 'v'] })),
    digest(publication({ filter: '(id > 0)' })),
    digest(publication({}), { identity: 'f', identityColumns: null }),
  ])
    expect(other).not.toBe(same);
});
