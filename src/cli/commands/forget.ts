import { planToForget } from '../../app/forget';
import { ConnectorError } from '../../common/errors';
import type { Command } from '../command';
import { confirm } from '../confirm';
import { EXIT } from '../exit-codes';

/** Forgets tables, so that nothing reports them any more. Their copies stay, unless --drop is given. */
export const forget: Command = async (context) => {
  const { settings, output, switches } = context;
  const patterns = (switches['tables'] ?? '').split('\n').filter((pattern) => pattern !== '');
  if (patterns.length === 0) {
    throw new ConnectorError('Name the tables to forget, as schema.table or as patterns.', {
      code: 'usage',
      kind: 'configuration',
      hint: '`pgsluice status` shows what there is.',
    });
  }
  const { tables, forget: act } = await planToForget(settings, patterns);
  const copies = tables.flatMap(({ destinationTable: name }) =>
    name === undefined ? [] : [`${settings.destinationSchema}.${name}`],
  );
  const drop = switches['drop'] === 'true';
  if (drop && copies.length > 0 && !(await confirm(`${copies.join(', ')} of the warehouse`, context))) {
    output.print(['Nothing was forgotten.']);
    return EXIT.ok;
  }
  await act(drop);
  output.print(tables.map(({ key }) => `Forgot ${key}`));
  if (copies.length > 0)
    output.print([
      drop
        ? `Dropped from the warehouse: ${copies.join(', ')}`
        : `Kept in the warehouse as they are, until you drop them (--drop): ${copies.join(', ')}`,
    ]);
  output.print(['What is still in the source and not filtered out is loaded from the start by the next sync.']);
  return EXIT.ok;
};
