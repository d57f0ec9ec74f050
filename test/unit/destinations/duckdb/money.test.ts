import { fitColumn } from '../../../../src/destinations/duckdb/load/column-fit';
import { packValues } from '../../../../src/model/packed-batch';
import type { ColumnType } from '../../../../src/model/column-type';

const MONEY: ColumnType = { kind: 'decimal', precision: 19, scale: 2 };

/** No locale but C is to be had everywhere, so what others would make of 64 bits is written down here. */
describe('money', () => {
  it.each([
    ['two digits after the point', ['92233720368547758.07', '-0.01', null], true],
    ['three digits after the point, as in Kuwait', ['1.234'], false],
    ['none, as in Japan, and more before it than DECIMAL(19,2) holds', ['9223372036854775807'], false],
  ])('with %s', (_, values, fits) => {
    expect(fitColumn(MONEY, 'DECIMAL(19,2)', packValues(values)).fits).toBe(fits);
  });
});
