/**
 * The relations of a table with partitions or children, and whether they may be read one by one. The rows that must
 * arrive are those of `SELECT … FROM` the table, with the rights and the policies of the role. Reading the members by
 * themselves is faster, but right only where nothing makes the two differ.
 */
import type { Relation, ThroughRoot } from '../../model/table';

/** What the catalog says about the root or one of its members. */
export interface MemberFacts {
  readonly oid: number;
  readonly schema: string;
  readonly schemaUsage: boolean;
  readonly selectable: boolean;
  /** Row-level security is in force for the role. */
  readonly rowSecurity: boolean;
  /** Expressions of virtual columns by name. */
  readonly virtualColumns: Readonly<Record<string, string>> | null;
}

export interface Inheritance {
  readonly child: number;
  readonly parent: number;
}

/** What TimescaleDB's own catalog says; both empty where it is not installed. */
export interface Hypertables {
  readonly roots: ReadonlySet<number>;
  readonly chunks: ReadonlySet<number>;
}

export const NO_HYPERTABLES: Hypertables = { roots: new Set(), chunks: new Set() };

/** All descendants by parent, each once, however many ways lead to it. */
export function descendants(inheritance: readonly Inheritance[]): (oid: number) => readonly number[] {
  const children = new Map<number, number[]>();
  for (const { child, parent } of inheritance) {
    const known = children.get(parent);
    if (known === undefined) children.set(parent, [child]);
    else known.push(child);
  }
  return (oid) => {
    const found = new Set<number>();
    const visit = (parent: number): void => {
      for (const child of children.get(parent) ?? []) {
        if (found.has(child)) continue;
        found.add(child);
        visit(child);
      }
    };
    visit(oid);
    return [...found];
  };
}

/**
 * Why the table must be read through its root; undefined where each member may be read by itself. `expected` is how
 * many descendants the catalog shows, including those about which nothing more is known.
 */
export function whyThroughRoot(
  root: MemberFacts,
  members: readonly MemberFacts[],
  expected: number,
  hypertables: Hypertables,
): ThroughRoot | undefined {
  if (hypertables.roots.has(root.oid) || members.some(({ oid, schema }) => isChunk(oid, schema, hypertables)))
    return 'hypertable';
  if (expected === 0) return undefined;
  if ([root, ...members].some(({ rowSecurity }) => rowSecurity)) return 'row-security';
  if (members.some(({ schemaUsage, selectable }) => !schemaUsage || !selectable)) return 'privileges';
  if (members.some((member) => otherExpressions(root, member))) return 'virtual-column';
  return members.length < expected ? 'unknown-child' : undefined;
}

/** Chunks are in a schema of the extension's, unless the hypertable was given another. */
export function isChunk(oid: number, schema: string, { chunks }: Hypertables): boolean {
  return chunks.has(oid) || schema.startsWith('_timescaledb_');
}

function otherExpressions(root: MemberFacts, member: MemberFacts): boolean {
  return Object.entries(root.virtualColumns ?? {}).some(([name, text]) => member.virtualColumns?.[name] !== text);
}

/** The root with all that belongs to it, as one relation. `parts` are those that hold rows. */
export function throughRoot(
  root: { readonly oid: number; readonly schema: string; readonly name: string },
  parts: readonly Relation[],
): Relation {
  const sum = (of: (part: Relation) => number): number => parts.reduce((total, part) => total + of(part), 0);
  return {
    oid: root.oid,
    schema: root.schema,
    name: root.name,
    blocks: sum((part) => part.blocks),
    rows: sum((part) => part.rows),
    bytes: sum((part) => part.bytes),
    rangeReadable: false,
    includesChildren: true,
  };
}

/**
 * The same for reading by ranges, where each part allows it. A range of ctid through the root is that range of every
 * part, so the relation has as many blocks as the largest part.
 */
export function rangesThroughRoot(
  root: { readonly oid: number; readonly schema: string; readonly name: string },
  parts: readonly Relation[],
): Relation {
  return {
    ...throughRoot(root, parts),
    blocks: parts.reduce((most, { blocks }) => Math.max(most, blocks), 0),
    rangeReadable: parts.every(({ rangeReadable }) => rangeReadable),
  };
}
