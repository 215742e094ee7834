interface Options {
  text: string;
  delimiter?: string;
  header?: boolean;
}

type Row = Record<string, string>;

/** Splits the text into records of fields; a quoted field may hold delimiters and line breaks. */
function records(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  if (at === text.length) return rows;
  for (;;) {
    let field = '';
    if (text[at] === '"') {
      const opened = at;
      at += 1;
      for (;;) {
        const quote = text.indexOf('"', at);
        if (quote < 0) throw new SyntaxError(`the quote at offset ${opened} is never closed`);
        field += text.slice(at, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        field += '"';
        at += 1;
      }
    }
    let end = at;
    while (end < text.length && text[end] !== '\n' && text[end] !== '\r' && !text.startsWith(delimiter, end))
      end += 1;
    row.push(field + text.slice(at, end));
    at = end;
    if (at < text.length && text.startsWith(delimiter, at)) {
      at += delimiter.length;
      continue;
    }
    rows.push(row);
    row = [];
    if (text[at] === '\r' && text[at + 1] === '\n') at += 2;
    else at += 1;
    if (at >= text.length) return rows;
  }
}

export function run({ text, delimiter = ',', header = true }: Options): string[][] | Row[] {
  if (typeof text !== 'string') throw new TypeError('text must be a string');
  if (delimiter === '' || /["\r\n]/.test(delimiter))
    throw new RangeError('delimiter must not be empty, a quote or a line break');
  const rows = records(text, delimiter).filter((row) => row.length > 1 || row[0] !== '');
  if (!header) return rows;
  const [names = [], ...body] = rows;
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new RangeError(`the column ${JSON.stringify(repeated)} appears twice`);
  return body.map((row, index) => {
    if (row.length > names.length) {
      throw new RangeError(`row ${index + 2} has ${row.length} fields, the header ${names.length}`);
    }
    return Object.fromEntries(row.map((field, column) => [names[column] ?? '', field]));
  });
}
