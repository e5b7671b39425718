/**
 * Where a node's configuration comes from: flags before the environment before the file before the defaults, each setting by itself. What nobody
 * knows is an error, so that a misspelt key is not a default.
 */
import { parse } from 'yaml';
import type { z } from 'zod';
import { errorMessage } from '../../../runtime/errors.ts';
import { NodeError } from '../node-error.ts';
import { configSchema, type NodeConfig } from './config.ts';
import { ENVIRONMENT_PREFIX, environmentName, flagName, optionName, SETTINGS, type Setting } from './settings.ts';

export interface ConfigInput {
  /** Commander's options; only those that were given. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: { readonly path: string; readonly text: string } | null;
}

export interface ResolvedConfig {
  readonly config: NodeConfig;
  /** By key of each setting that has a value: where that is from, as `--port`, `DYNACTOR_PORT`, the file's path, `default`. */
  readonly sources: ReadonlyMap<string, string>;
  /** The values, by key, as they were given. */
  readonly values: ReadonlyMap<string, unknown>;
}

/** Names with the prefix that say something else than a setting: the file, and the addresses for commands that talk to nodes. */
const OTHER_NAMES: ReadonlySet<string> = new Set(['DYNACTOR_CONFIG', 'DYNACTOR_URL', 'DYNACTOR_SEEDS']);
/** Keys that hold keys. */
const GROUPS: ReadonlySet<string> = new Set(SETTINGS.flatMap(({ key }) => (key.includes('.') ? [key.slice(0, key.indexOf('.'))] : [])));

/** Errors: INVALID_CONFIG with one line for each thing that is wrong: its key, what was expected, what was found, and where. */
export function resolveConfig(input: ConfigInput): ResolvedConfig {
  const problems: string[] = [];
  const file = readFile(input.file, problems);
  checkEnvironment(input.environment, problems);
  const sources = new Map<string, string>();
  const values = new Map<string, unknown>();
  for (const setting of SETTINGS) {
    const found = settingOf(setting, input, file);
    if (found === null) continue;
    sources.set(setting.key, found.source);
    values.set(setting.key, found.value);
  }
  const checked = configSchema.safeParse(nested(values));
  if (!checked.success) {
    for (const issue of checked.error.issues) problems.push(describe(issue, values, sources));
  }
  if (problems.length > 0 || !checked.success) throw new NodeError('INVALID_CONFIG', problems.join('\n'));
  return { config: checked.data, sources, values };
}

interface Found {
  readonly value: unknown;
  readonly source: string;
}

function settingOf(setting: Setting, input: ConfigInput, file: ReadonlyMap<string, unknown>): Found | null {
  const flag = setting.flags === '' ? undefined : input.flags[optionName(setting)];
  if (flag !== undefined) return { value: typeof flag === 'string' ? parseText(setting, flag) : flag, source: flagName(setting) };
  const variable = environmentName(setting.key);
  const said = input.environment[variable];
  if (said !== undefined && said !== '') return { value: parseText(setting, said), source: variable };
  if (file.has(setting.key)) return { value: file.get(setting.key), source: input.file!.path };
  return setting.byDefault === undefined ? null : { value: setting.byDefault, source: 'default' };
}

/** Text that is not of the setting's kind stays text, and is found wrong with all else. */
function parseText(setting: Setting, said: string): unknown {
  switch (setting.kind) {
    case 'text':
      return said;
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(said) ? Number(said) : said;
    case 'flag':
      return said === 'true' ? true : said === 'false' ? false : said;
    case 'list':
      return said
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
  }
}

/** Values by dotted key. */
function readFile(file: ConfigInput['file'], problems: string[]): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  if (file === null) return values;
  let content: unknown;
  try {
    content = parse(file.text);
  } catch (error) {
    problems.push(`${file.path}: ${errorMessage(error)}`);
    return values;
  }
  if (content === null || content === undefined) return values;
  if (typeof content !== 'object' || Array.isArray(content)) {
    problems.push(`${file.path}: expected keys with values, found ${Array.isArray(content) ? 'a list' : JSON.stringify(content)}`);
    return values;
  }
  flatten(content, '', file.path, values, problems);
  return values;
}

function flatten(content: object, prefix: string, path: string, into: Map<string, unknown>, problems: string[]): void {
  for (const [name, value] of Object.entries(content)) {
    const key = `${prefix}${name}`;
    if (SETTINGS.some((setting) => setting.key === key)) {
      // A key without a value says nothing.
      if (value !== null) into.set(key, value);
    } else if (GROUPS.has(key) && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      flatten(value as object, `${key}.`, path, into, problems);
    } else {
      problems.push(`${key}: unknown key in ${path}; expected one of ${keysLike(prefix)}`);
    }
  }
}

function keysLike(prefix: string): string {
  return SETTINGS.map(({ key }) => key)
    .filter((key) => key.startsWith(prefix))
    .join(', ');
}

function checkEnvironment(environment: ConfigInput['environment'], problems: string[]): void {
  const known = SETTINGS.map(({ key }) => environmentName(key));
  for (const name of Object.keys(environment)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || known.includes(name) || OTHER_NAMES.has(name)) continue;
    problems.push(`${name}: unknown variable; expected one of ${known.join(', ')}`);
  }
}

function nested(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const root: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of values) {
    const [first, second] = key.split('.') as [string, string | undefined];
    if (second === undefined) root[first] = value;
    else root[first] = { ...(root[first] as object | undefined), [second]: value };
  }
  return { ...root };
}

function describe(issue: z.core.$ZodIssue, values: ReadonlyMap<string, unknown>, sources: ReadonlyMap<string, string>): string {
  const path = issue.path.map(String);
  const key = [path.join('.'), path[0] ?? ''].find((candidate) => values.has(candidate)) ?? path.join('.');
  const isSecret = SETTINGS.some((setting) => setting.key === key && setting.isSecret === true);
  const shown = isSecret ? 'another' : (JSON.stringify(values.get(key)) ?? 'nothing');
  return `${key}: ${issue.message}, got ${shown.slice(0, 120)} (${sources.get(key) ?? 'nowhere given'})`;
}
