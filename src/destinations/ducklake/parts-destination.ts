/**
 * A lake as the destination of a load in parts: many processes add rows to one table, and each commits the rows of a
 * part together with the note that the part is done (part-rows). Nothing else of the table's state is written until all
 * parts are there. Then `adopt` makes of them a load as a sync leaves it that was interrupted when it had read
 * everything, and the next sync ends it: it reads what has changed since the load began, compares the keys, and puts the
 * rows into the table's place.
 */
import { ConnectorError } from '../../common/errors';
import type { PartsStatus } from '../../model/parts';
import type { DestinationTable, LoadStamp } from '../destination';
import { loadTableName, mergeTables, qualified, quoted, WarehouseDestination } from '../duckdb';
import { PART_APART, PART_SUPERSEDED, type PartsDestination, type PartsWork } from '../parts';
import type { DuckLakeDestinationOptions } from './destination';
import { lakeConflict } from './errors';
import { apartTableName, PartStates, partsTableName } from './part-states';
import { openLake } from './warehouse';

export class LakePartsDestination extends WarehouseDestination implements PartsDestination {
  readonly commitsOnce = true;
  private readonly parts: PartStates;

  constructor(
    options: DuckLakeDestinationOptions,
    private readonly work: PartsWork,
  ) {
    const parts = new PartStates(work, options.schema);
    const loadName = (table: string): string => parts.gathering(table);
    super({ ...options, open: () => openLake(options), states: parts, loadName });
    this.parts = parts;
  }

  async readParts(): Promise<PartsStatus | undefined> {
    return await this.parts.rows.read(this.tables.warehouse);
  }

  isCurrent(load: PartsStatus): boolean {
    return this.parts.generation === load.generation;
  }

  async dropParts(load: PartsStatus): Promise<void> {
    const warehouse = await this.tables.writing();
    await this.parts.rows.drop(warehouse, load);
    for (const name of [this.gathering(load), ...this.apart(load)]) await warehouse.run(`DROP TABLE IF EXISTS ${name}`);
  }

  async adopt(load: PartsStatus, table: DestinationTable): Promise<void> {
    const warehouse = await this.tables.writing();
    // Another process may have done so since it was read.
    if ((await this.parts.rows.read(warehouse))?.load !== load.load) throw lakeConflict(warehouse.path);
    await mergeTables(warehouse, table, this.gathering(load), this.apart(load), this.tables.logger);
    const own = loadTableName(load.state.destinationTable);
    await warehouse.run(`DROP TABLE IF EXISTS ${qualified({ schema: this.tables.schema, name: own })}`);
    await warehouse.run(`ALTER TABLE ${this.gathering(load)} RENAME TO ${quoted(own)}`);
    await this.parts.rows.drop(warehouse, load);
    await this.parts.putLoad(warehouse, load);
    await this.commit();
  }

  override async beginLoad(table: DestinationTable, stamp: LoadStamp, resume: boolean): Promise<void> {
    const { work } = this;
    if (work.kind !== 'load') return await super.beginLoad(table, stamp, resume);
    if (!resume) throw superseded(table);
    this.parts.writesApart = work.apart;
    await super.beginLoad(table, stamp, !work.apart);
    if (work.apart) return;
    // Other parts may be committed to the table meanwhile, which this one would replace by a copy without their rows.
    this.tables.load(table).beforeTypeChange = () => Promise.reject(needsTable(table));
  }

  /** A part is no sync of its own. */
  override async recordRun(): Promise<void> {
    await this.rollback();
  }

  /** The tables of parts that are apart, qualified and quoted. */
  private apart({ state, load, apart }: PartsStatus): string[] {
    const { schema } = this.tables;
    return apart.map((number) => qualified({ schema, name: apartTableName(state.destinationTable, load, number) }));
  }

  /** The table in which the parts gather, qualified and quoted. */
  private gathering({ state, load }: PartsStatus): string {
    return qualified({ schema: this.tables.schema, name: partsTableName(state.destinationTable, load) });
  }
}

function superseded({ key }: DestinationTable): ConnectorError {
  return new ConnectorError(`The load of ${key} that this part belongs to cannot go on.`, {
    code: PART_SUPERSEDED,
    kind: 'source',
  });
}

function needsTable({ key }: DestinationTable): ConnectorError {
  return new ConnectorError(`A part of ${key} has values of another type than the parts before.`, {
    code: PART_APART,
    kind: 'source',
  });
}
