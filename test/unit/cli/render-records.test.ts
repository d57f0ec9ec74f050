import { renderRecords, wrap } from '../../../src/cli/render-records';

const HEADER = ['Table', 'Rows', 'Mode'];
const ROWS = [
  ['public.orders', '1,000,000', 'xmin'],
  ['public.products', '20', 'full'],
];

describe('records', () => {
  it('are a table where there is room, and always where nobody looks', () => {
    const table = ['Table           |      Rows | Mode', '----------------+-----------+-----'];
    expect(renderRecords(HEADER, ROWS, { right: ['Rows'], width: 60 }).slice(0, 2)).toEqual(table);
    expect(renderRecords(HEADER, ROWS, { right: ['Rows'] }).slice(0, 2)).toEqual(table);
  });

  it('are blocks of lines on a narrow terminal', () => {
    expect(renderRecords(HEADER, ROWS, { width: 20 })).toEqual([
      'public.orders',
      '  Rows 1,000,000,',
      '  Mode xmin',
      'public.products',
      '  Rows 20, Mode full',
    ]);
  });

  it('lose the columns that matter least before they become blocks, and empty ones anyway', () => {
    const rows = ROWS.map((row) => [...row, '–']);
    const options = { width: 32, optional: ['Mode'] };
    expect(renderRecords([...HEADER, 'Nothing'], rows, options)[0]).toBe('Table           | Rows');
    expect(renderRecords([...HEADER, 'Nothing'], rows)[0]).toBe('Table           | Rows      | Mode');
  });

  it('hand no escape sequence of a name to the terminal', () => {
    const lines = [...renderRecords(HEADER, [['\u001b[2Jx', '\u0007', '']]), ...wrap('a\u001b]0;title\u0007b', 80)];
    expect(lines.join('\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe('wrapping', () => {
  it('breaks between words, with the indent before each line', () => {
    expect(wrap('one two three four', 12, 2)).toEqual(['  one two', '  three four']);
  });

  it('leaves a word whole that is too long, such as a statement to be copied', () => {
    expect(wrap('a verylongwordindeed b', 8)).toEqual(['a', 'verylongwordindeed', 'b']);
  });
});
