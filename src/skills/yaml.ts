/** The YAML reader and writer, loaded with the first skill folder. */
import { createRequire } from 'node:module';
import type * as YamlPackage from 'yaml';

type Yaml = typeof YamlPackage;

let yaml: Yaml | undefined;

export function loadYaml(): Yaml {
  yaml ??= createRequire(import.meta.url)('yaml') as Yaml;
  return yaml;
}
