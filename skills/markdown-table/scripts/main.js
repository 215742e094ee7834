const cellText = (value) =>
  (value === null || value === undefined
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)
  )
    .replace(/\|/g, '\\|')
    .replace(/\r\n?|\n/g, '<br>');

const width = (text) => [...text].length;

export const run = ({ rows, columns }) => {
  const names = columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (names.length === 0) return '';
  const table = names.map((name) => {
    const cells = rows.map((row) => cellText(Object.hasOwn(row, name) ? row[name] : ''));
    const isNumeric = rows.length > 0 && rows.every((row) => typeof row[name] === 'number');
    const head = cellText(name);
    const longest = Math.max(3, width(head), ...cells.map(width));
    const pad = (text) => {
      const blanks = ' '.repeat(longest - width(text));
      return isNumeric ? blanks + text : text + blanks;
    };
    return [pad(head), isNumeric ? `${'-'.repeat(longest - 1)}:` : '-'.repeat(longest)].concat(
      cells.map(pad),
    );
  });
  return Array.from(
    { length: rows.length + 2 },
    (_, line) => `| ${table.map((cells) => cells[line]).join(' | ')} |`,
  ).join('\n');
};
