/** `skillcache config` */
import type { Session } from './session.ts';
import type { Setting } from './settings.ts';
import { valueText } from '../value-text.ts';

export async function showConfig(session: Session): Promise<void> {
  const { list: settings } = await session.settings();
  const list = settings.map((setting) => Object.assign({}, setting, { value: masked(setting) }));
  const { output } = session;
  output.answer({ options: list }, () =>
    output.table(
      [{ title: 'OPTION' }, { title: 'VALUE', isFlexible: true }, { title: 'FROM' }, { title: 'VARIABLE' }],
      list.map(({ key, value, source, origin, variable }) => [
        key,
        valueText(value),
        origin === undefined ? source : `${source} (${origin})`,
        variable,
      ]),
    ),
  );
}

/** An address may carry a secret: of it only the host is shown. */
function masked({ key, value }: Setting): unknown {
  if (key !== 'monitor.webhook.url' || typeof value !== 'string' || !URL.canParse(value)) return value;
  const { protocol, host, pathname, search, username, password } = new URL(value);
  const isBare = pathname === '/' && search + username + password === '';
  return isBare ? value : `${protocol}//${host}/[masked]`;
}

/** Defaults that follow the number of cores: no file can state them. */
const MACHINE_DEPENDENT = ['store.readers.max', 'workers.max', 'workers.concurrency'];

/** JSON Schema of a `--config` file: `$schema` beside the options, the same on every machine. */
export async function showConfigSchema(session: Session): Promise<void> {
  const { programJsonSchema } = await import('../http-options.ts');
  const schema = programJsonSchema() as SchemaNode;
  for (const key of MACHINE_DEPENDENT) delete nodeAt(schema, key)?.default;
  const properties = { $schema: { type: 'string' }, ...schema.properties };
  session.output.value({ ...schema, title: 'Options of skillcache', properties });
}

interface SchemaNode {
  default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

function nodeAt(schema: SchemaNode, key: string): SchemaNode | undefined {
  return key.split('.').reduce<SchemaNode | undefined>((node, name) => node?.properties?.[name], schema);
}
