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
import { loadTableName, qualified, quoted, WarehouseDestination } from '../duckdb';
import { PART_SUPERSEDED, type PartsDestination, type PartsWork } from '../parts';
import type { DuckLakeDestinationOptions } from './destination';
import { lakeConflict } from './errors';
import { PartStates, partsTableName } from './part-states';
import { openLake } from './warehouse';

export class LakePartsDestination extends WarehouseDestination implements PartsDestination {
  readonly commitsOnce = true;
  private readonly parts: PartStates;

  constructor(
    options: DuckLakeDestinationOptions,
    private readonly work: PartsWork,
  ) {
    const parts = new PartStates(work, options.schema);
    const loadName = (table: string): string => partsTableName(table, parts.load);
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
    await warehouse.run(`DROP TABLE IF EXISTS ${this.gathering(load)}`);
  }

  async adopt(load: PartsStatus): Promise<void> {
    const warehouse = await this.tables.writing();
    // Another process may have done so since it was read.
    if ((await this.parts.rows.read(warehouse))?.load !== load.load) throw lakeConflict(warehouse.path);
    const own = loadTableName(load.state.destinationTable);
    await warehouse.run(`DROP TABLE IF EXISTS ${qualified({ schema: this.tables.schema, name: own })}`);
    await warehouse.run(`ALTER TABLE ${this.gathering(load)} RENAME TO ${quoted(own)}`);
    await this.parts.rows.drop(warehouse, load);
    await this.parts.putLoad(warehouse, load);
    await this.commit();
  }

  override async beginLoad(table: DestinationTable, stamp: LoadStamp, resume: boolean): Promise<void> {
    const { work } = this;
    if (work.kind === 'load' && !resume) throw superseded(table);
    await super.beginLoad(table, stamp, resume);
    if (work.kind !== 'load') return;
    let excluded = false;
    this.tables.load(table).beforeTypeChange = async () => {
      const { warehouse } = this.tables;
      const load = excluded ? undefined : await this.parts.rows.read(warehouse);
      excluded = true;
      if (load !== undefined) await this.parts.rows.excludeOthers(warehouse, load, work.number);
    };
  }

  /** A part is no sync of its own. */
  override async recordRun(): Promise<void> {
    await this.rollback();
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
