/** Discovers what there is to replicate. */
import { ConnectorError } from '../../common/errors';
import type { Session } from '../connection';
import { assembleCatalog } from './assemble-catalog';
import { HYPERTABLES_QUERY, serverQuery, tablesQuery, type TablesLook } from './catalog-queries';
import type { Catalog, DiscoveryOptions, RelationRow, ServerInfo, TableColumns, UserType } from './catalog-rows';
import { descendants, NO_HYPERTABLES, type Hypertables, type Inheritance } from './table-members';

export type { Catalog } from './catalog-rows';

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
  /** Tables with larger OIDs follow. */
  readonly more: boolean;
}

const EXACT_TABLES: DiscoveryOptions = { includeViews: false, typeMode: 'exact' };

export async function discover(
  session: Session,
  signal: AbortSignal | undefined,
  options: DiscoveryOptions = EXACT_TABLES,
): Promise<Catalog> {
  const fetchJson = async <T>(sql: string): Promise<T> => {
    const [row] = await session.query(sql, { doing: 'reading the catalog', signal });
    return JSON.parse(String(row?.['j'])) as T;
  };
  const ifAllowed = async <T>(sql: string, otherwise: () => Promise<T> | T): Promise<T> =>
    await fetchJson<T>(sql).catch(async (error: unknown) => {
      if (error instanceof ConnectorError && error.code === 'permission_denied') return await otherwise();
      throw error;
    });
  const about = await ifAllowed(serverQuery(true), () => fetchJson<ServerRow>(serverQuery(false)));
  const hypertables = about.timescale
    ? toHypertables(await ifAllowed<HypertablesRow>(HYPERTABLES_QUERY, () => ({ roots: [], chunks: [] })))
    : NO_HYPERTABLES;
  const relations: RelationRow[] = [];
  const columnsOf = new Map<number, TableColumns>();
  const userTypes = new Map<number, UserType>();
  const { seesFiles, seesLocks } = session.allowances;
  for (let after: number | undefined = 0; after !== undefined;) {
    const last: number = after;
    const part: CatalogPart = await readPart(fetchJson, last, { sizes: seesFiles, seesLocks });
    // Ranges need the size at this moment.
    relations.push(...(seesFiles ? part.relations : part.relations.map((row) => ({ ...row, isHeap: false }))));
    for (const row of part.columns) columnsOf.set(row.table, row);
    for (const row of part.types) userTypes.set(row.type, row);
    after = part.more ? part.relations.at(-1)?.oid : undefined;
  }
  const surroundings = {
    server: about.server,
    membersOf: descendants(about.inheritance),
    hypertables,
    subscribed: new Set(about.subscribed.map(({ oid }) => oid)),
  };
  return assembleCatalog(relations, surroundings, columnsOf, userTypes, options);
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

/** `sizes`: whether the role may ask for what the tables have on disk. */
async function readPart(
  fetchJson: (sql: string) => Promise<CatalogPart>,
  after: number,
  allowed: Pick<TablesLook, 'sizes' | 'seesLocks'>,
): Promise<CatalogPart> {
  for (let look = 1; look <= MOST_LOOKS; look += 1) {
    try {
      return await fetchJson(tablesQuery(after, { ...allowed, opening: true }));
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.sqlState !== '55P03') throw error;
    }
  }
  return await fetchJson(tablesQuery(after, { ...allowed, opening: false, sizes: false }));
}
