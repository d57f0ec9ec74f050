import { counted } from '../../../common/counted';
import { ConnectorError } from '../../../common/errors';

/** Throws where not all rows of a batch were taken; `key`: of their table. */
export function checkTaken(written: number, rowCount: number, key: string): void {
  if (written === rowCount) return;
  throw new ConnectorError(`The warehouse took ${written} of ${counted(rowCount, 'row')} of ${key}.`, {
    code: 'rows_lost',
    kind: 'destination',
  });
}
