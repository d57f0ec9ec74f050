/**
 * Facts about a server that are useful and may be denied, because hardened and managed servers revoke functions and
 * views from PUBLIC. A session knows what its role may use, so that no statement fails over it. Each loss is logged
 * once.
 */

/** Functions as to_regprocedure takes them; views have no parentheses. All are of pg_catalog. */
const OPTIONAL = [
  'pg_control_system()',
  'pg_control_checkpoint()',
  'pg_current_wal_lsn()',
  'pg_walfile_name(pg_lsn)',
  'pg_export_snapshot()',
  'pg_relation_size(regclass)',
  'pg_relation_size(regclass,text)',
  'pg_table_size(regclass)',
  'pg_relation_filenode(regclass)',
  'pg_stat_get_activity(int4)',
  'pg_stat_get_tuples_deleted(oid)',
  'pg_prepared_xact()',
  'pg_show_all_settings()',
  'pg_lock_status()',
  'pg_get_replication_slots()',
  'pg_replication_slots',
  'pg_database',
  'pg_locks',
  'pg_stats',
  'pg_stat_activity',
  'pg_stat_ssl',
  'pg_prepared_xacts',
  'pg_roles',
  'pg_settings',
] as const;

export type OptionalObject = (typeof OPTIONAL)[number];

const isFunction = (name: string): boolean => name.endsWith(')');

/** SQL for those that the role may not use, separated by semicolons. */
export const DENIED_OBJECTS =
  `concat_ws(';', ` +
  OPTIONAL.map((name) => {
    const allowed = isFunction(name)
      ? `pg_catalog.has_function_privilege(pg_catalog.to_regprocedure('pg_catalog.${name}'), 'EXECUTE')`
      : `pg_catalog.has_table_privilege(pg_catalog.to_regclass('pg_catalog.${name}'), 'SELECT')`;
    return `CASE WHEN ${allowed} THEN NULL ELSE '${name}' END`;
  }).join(', ') +
  ')';

/** The rights of a role that a statement depends on. */
export class Allowances {
  private readonly denied: ReadonlySet<string>;

  /** `text` is the value of DENIED_OBJECTS. */
  constructor(text: string) {
    this.denied = new Set(text === '' ? [] : text.split(';'));
  }

  may(...objects: readonly OptionalObject[]): boolean {
    return this.deniedOf(objects).length === 0;
  }

  private deniedOf(objects: readonly OptionalObject[]): readonly OptionalObject[] {
    return objects.filter((object) => this.denied.has(object));
  }

  /** Whether other transactions can be seen. */
  get seesTransactions(): boolean {
    return this.may(...FACTS.transactions.of);
  }

  /** Whether tables can be read by ranges, for which their size and file must be known at the moment of reading. */
  get seesFiles(): boolean {
    return this.may(...FACTS.files.of);
  }

  /** Whether the locks of other sessions can be seen. */
  get seesLocks(): boolean {
    return this.may('pg_locks', 'pg_lock_status()');
  }

  /** Whether the server says how many rows of a table were ever deleted. It is a hint only, so its loss is not logged. */
  get seesDeletes(): boolean {
    return this.may('pg_stat_get_tuples_deleted(oid)');
  }

  get sharesSnapshots(): boolean {
    return this.may('pg_export_snapshot()');
  }

  /** A sentence for each thing that is lost. `standby`: whether the server is one. */
  losses(standby: boolean): readonly string[] {
    const { identity, ...others } = FACTS;
    const needed = identity.of.filter((object) => !(standby ? OF_PRIMARY : OF_STANDBY).has(object));
    return [{ ...identity, of: needed }, ...Object.values(others)].flatMap(({ of, lost }) => {
      const denied = this.deniedOf(of);
      if (denied.length === 0) return [];
      const grants = denied.map((name) =>
        isFunction(name) ? `EXECUTE ON FUNCTION pg_catalog.${name}` : `SELECT ON pg_catalog.${name}`,
      );
      return [`The role may not use ${denied.join(', ')}: ${lost}. To have it back, grant it ${grants.join(', ')}.`];
    });
  }
}

interface OptionalFact {
  readonly of: readonly OptionalObject[];
  readonly lost: string;
}

const OF_PRIMARY: ReadonlySet<OptionalObject> = new Set(['pg_current_wal_lsn()', 'pg_walfile_name(pg_lsn)']);
const OF_STANDBY: ReadonlySet<OptionalObject> = new Set(['pg_control_checkpoint()']);

const FACTS = {
  identity: {
    of: [
      'pg_control_system()',
      'pg_control_checkpoint()',
      'pg_current_wal_lsn()',
      'pg_walfile_name(pg_lsn)',
      'pg_database',
    ],
    lost: 'a server that was restored or replaced could not be told from this one, so changes are not tracked, and every table is read whole at each sync',
  },
  snapshots: { of: ['pg_export_snapshot()'], lost: 'each table is read by one connection only' },
  files: {
    of: [
      'pg_relation_size(regclass)',
      'pg_relation_size(regclass,text)',
      'pg_table_size(regclass)',
      'pg_relation_filenode(regclass)',
    ],
    lost: 'tables are read with a cursor, whole and by one connection each',
  },
  statistics: { of: ['pg_stats'], lost: 'columns that allow NULL are not chosen as replication keys' },
  transactions: {
    of: ['pg_stat_activity', 'pg_stat_get_activity(int4)', 'pg_prepared_xacts', 'pg_prepared_xact()'],
    lost: 'other transactions are not seen and taken to last an hour, so timestamp mode reads the rows of the last hour again',
  },
} satisfies Record<string, OptionalFact>;
