/** Discovers what there is to replicate. */
import { ConnectorError } from '../../common/errors';
import type { OdbcRow, Session } from '../connection';
import { assembleCatalog } from './assemble-catalog';
import { HYPERTABLES_QUERY, serverQuery, tablesQuery, type TablesLook } from './catalog-queries';
import type {
  Discovered,
  DiscoveryOptions,
  KeyCandidate,
  RelationRow,
  ServerInfo,
  TableColumns,
  UserType,
} from './catalog-rows';
import { sourceIdentitySql } from './source-identity';
import { descendants, NO_HYPERTABLES, type Hypertables, type Inheritance } from './table-members';

export type { Catalog, KeyCandidate } from './catalog-rows';

interface ServerRow {
  readonly server: ServerInfo;
  readonly inheritance: readonly Inheritance[];
  readonly timescale: boolean;
  readonly subscribed: readonly { readonly oid: number }[];
}

interface CatalogPart {
  readonly relations: readonly RelationRow[];
  readonly columns: readonly TableColumns[];
  readonly types: readonly UserType[];
  readonly candidates: readonly { readonly table: number; readonly columns: readonly KeyCandidate[] }[];
  /** Tables with larger OIDs follow. */
  readonly more: boolean;
}

/** What one statement asks first, and several where the role is denied some of it. */
interface FirstLook {
  readonly about: ServerRow;
  readonly source: string;
  readonly part: CatalogPart;
}

const EXACT_TABLES: DiscoveryOptions = { includeViews: false, typeMode: 'exact' };

export async function discover(
  session: Session,
  signal: AbortSignal | undefined,
  options: DiscoveryOptions = EXACT_TABLES,
): Promise<Discovered> {
  const query = new CatalogQuery(session, signal);
  const { about, source, part: first } = await query.firstLook();
  const hypertables = about.timescale
    ? toHypertables(await query.ifAllowed<HypertablesRow>(HYPERTABLES_QUERY, () => ({ roots: [], chunks: [] })))
    : NO_HYPERTABLES;
  const relations: RelationRow[] = [];
  const columnsOf = new Map<number, TableColumns>();
  const userTypes = new Map<number, UserType>();
  const candidates = new Map<number, readonly KeyCandidate[]>();
  const { seesFiles } = session.allowances;
  for (let part: CatalogPart | undefined = first; part !== undefined;) {
    // Ranges need the size of the moment.
    relations.push(...(seesFiles ? part.relations : part.relations.map((row) => ({ ...row, isHeap: false }))));
    for (const row of part.columns) columnsOf.set(row.table, row);
    for (const row of part.types) userTypes.set(row.type, row);
    for (const { table, columns } of part.candidates) candidates.set(table, columns);
    const last: number | undefined = part.more ? part.relations.at(-1)?.oid : undefined;
    part = last === undefined ? undefined : await query.part(last);
  }
  const surroundings = {
    server: about.server,
    membersOf: descendants(about.inheritance),
    hypertables,
    subscribed: new Set(about.subscribed.map(({ oid }) => oid)),
  };
  return { ...assembleCatalog(relations, surroundings, columnsOf, userTypes, options), source, candidates };
}

interface HypertablesRow {
  readonly roots: readonly { readonly oid: number }[];
  readonly chunks: readonly { readonly oid: number }[];
}

function toHypertables({ roots, chunks }: HypertablesRow): Hypertables {
  return { roots: new Set(roots.map(({ oid }) => oid)), chunks: new Set(chunks.map(({ oid }) => oid)) };
}

/** A lock may come between the look at the locks and the look at the table; the next look sees it. */
const MOST_LOOKS = 4;

/** Asks for cells of JSON. */
class CatalogQuery {
  private readonly look: TablesLook;

  constructor(
    private readonly session: Session,
    private readonly signal: AbortSignal | undefined,
  ) {
    const { allowances } = session;
    this.look = {
      opening: true,
      sizes: allowances.seesFiles,
      seesLocks: allowances.seesLocks,
      seesStatistics: allowances.may('pg_stats'),
    };
  }

  /** One round trip, as long as nothing is denied or locked at the wrong moment. */
  async firstLook(): Promise<FirstLook> {
    const source = sourceIdentitySql(this.session);
    try {
      const row = await this.row(
        `SELECT (${serverQuery(true)}) AS about, ${source} AS source, (${tablesQuery(0, this.look)}) AS part`,
      );
      return {
        about: parsed<ServerRow>(row['about']),
        source: String(row['source']),
        part: parsed<CatalogPart>(row['part']),
      };
    } catch (error) {
      if (!isDenied(error) && !isLocked(error)) throw error;
    }
    return {
      about: await this.ifAllowed<ServerRow>(serverQuery(true), () => this.json<ServerRow>(serverQuery(false))),
      source: String((await this.row(`SELECT ${source} AS source`))['source']),
      part: await this.part(0),
    };
  }

  /** The tables whose oids follow `after`. */
  async part(after: number): Promise<CatalogPart> {
    for (let look = 1; look <= MOST_LOOKS; look += 1) {
      try {
        return await this.json<CatalogPart>(tablesQuery(after, this.look));
      } catch (error) {
        if (!isLocked(error)) throw error;
      }
    }
    return await this.json<CatalogPart>(tablesQuery(after, { ...this.look, opening: false, sizes: false }));
  }

  async ifAllowed<T>(sql: string, otherwise: () => Promise<T> | T): Promise<T> {
    return await this.json<T>(sql).catch(async (error: unknown) => {
      if (isDenied(error)) return await otherwise();
      throw error;
    });
  }

  private async json<T>(sql: string): Promise<T> {
    return parsed<T>((await this.row(sql))['j']);
  }

  private async row(sql: string): Promise<OdbcRow> {
    const [row] = await this.session.query(sql, { doing: 'reading the catalog', signal: this.signal });
    return row ?? {};
  }
}

function parsed<T>(json: unknown): T {
  return JSON.parse(String(json)) as T;
}

function isDenied(error: unknown): boolean {
  return error instanceof ConnectorError && error.code === 'permission_denied';
}

function isLocked(error: unknown): boolean {
  return error instanceof ConnectorError && error.sqlState === '55P03';
}
