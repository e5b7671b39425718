/** `dynactor start` and `dynactor config`: a node, and what it would be started with. */
import { type Command, Option } from 'commander';
import { errorMessage } from '../../../runtime/errors.ts';
import { RealFiles } from '../../../runtime/real/files.ts';
import { absolutePath, coreCount, fileUrl, packageVersion, randomHex, readTextFile } from '../../../runtime/real/host.ts';
import { type ResolvedConfig, resolveConfig } from '../config/resolve.ts';
import { environmentName, SETTINGS, type Setting } from '../config/settings.ts';
import { Node } from '../node.ts';
import { FORMATS, type Format, formatTable, render } from './output.ts';

const EXIT_USAGE = 2;

export function addStartCommand(program: Command): void {
  withSettings(program.command('start'))
    .description('run a node until it is told to stop (Ctrl-C or SIGTERM)')
    .action(async (_options: unknown, command: Command) => {
      const resolved = await configOf(command);
      if (resolved !== null) await run(resolved);
    });
  const config = program.command('config').description('what a node would be started with, from flags, environment and file');
  withSettings(config.command('show'))
    .description('each setting, its value, and where that is from')
    .addOption(new Option('-o, --output <format>', 'how to print').choices([...FORMATS]).default('table'))
    .action(async (_options: unknown, command: Command) => {
      const resolved = await configOf(command);
      if (resolved !== null) process.stdout.write(show(resolved, command.opts<{ readonly output: Format }>().output));
    });
  withSettings(config.command('check'))
    .description('nothing but whether it is right; exit code 2 when it is not')
    .action(async (_options: unknown, command: Command) => {
      if ((await configOf(command)) !== null) process.stdout.write('ok\n');
    });
}

function withSettings(command: Command): Command {
  command.addOption(new Option('--config <file>', 'YAML file with the settings').env('DYNACTOR_CONFIG'));
  for (const setting of SETTINGS) command.addOption(optionOf(setting));
  return command;
}

/** Values stay text until all sources are put together. */
function optionOf(setting: Setting): Option {
  const { flags, about, byDefault, key } = setting;
  const said = byDefault === undefined || byDefault === false || (Array.isArray(byDefault) && byDefault.length === 0);
  const option = new Option(flags, `${about}${said ? '' : ` (default: ${String(byDefault)})`} [${environmentName(key)}]`);
  if (setting.kind === 'list')
    option.argParser((text: string, before: string | undefined) => (before === undefined ? text : `${before},${text}`));
  return option;
}

/** Null: what is wrong has been said. */
async function configOf(command: Command): Promise<ResolvedConfig | null> {
  const { config: path, output: _output, ...flags } = command.opts<Record<string, string | true | undefined>>();
  try {
    const file = typeof path === 'string' ? { path, text: await readTextFile(path) } : null;
    return resolveConfig({ flags, environment: process.env, file });
  } catch (error) {
    process.stderr.write(`dynactor: configuration:\n${errorMessage(error).replaceAll(/^/gm, '  ')}\n`);
    process.exitCode = EXIT_USAGE;
    return null;
  }
}

function show({ values, sources }: ResolvedConfig, format: Format): string {
  const shown = SETTINGS.map(({ key }) => ({ key, value: values.get(key) ?? null, from: sources.get(key) ?? 'not said' }));
  return render(shown, format, (settings) =>
    formatTable({ head: ['KEY', 'VALUE', 'FROM'], rows: settings.map(({ key, value, from }) => [key, textOf(value), from]) }),
  );
}

function textOf(value: unknown): string {
  if (value === null) return '-';
  return Array.isArray(value) ? value.join(',') || '-' : String(value);
}

async function run({ config }: ResolvedConfig): Promise<void> {
  const stopped = untilToldToStop();
  let node: Node | null = null;
  const starting = Node.start(
    config,
    {
      files: new RealFiles(),
      directory: absolutePath(config.data),
      modules: [moduleUrl('../../shard-module'), moduleUrl('../../../runtime/echo'), ...config.modules.map(fileUrl)],
      newId: () => randomHex(16),
      instance: randomHex(8),
      shards: Math.max(1, coreCount() - 1),
      version: packageVersion(),
    },
    (begun) => {
      node = begun;
      say(
        `node ${begun.self.name} listens on ${begun.self.address.host}:${begun.self.address.ports.join(',')}, HTTP on http://${begun.http.host}:${begun.http.port}`,
      );
    },
  );
  const ended = await Promise.race<Ended>([
    starting.then(serve, (error: unknown) => ({ error: error instanceof Error ? error : new Error(String(error)) })),
    stopped.then(() => ({ error: null })),
  ]);
  const begun = node as Node | null;
  // A start that is stopped ends by itself.
  starting.catch(() => undefined);
  await begun?.stop();
  if (ended.error !== null) throw ended.error;
  // A start may be waiting for seeds.
  if (begun === null) process.exit();
}

interface Ended {
  /** Null: as it was told to. */
  readonly error: Error | null;
}

/** Resolves when the node has to end. */
async function serve(node: Node): Promise<Ended> {
  const { log } = node.system;
  const { statsEverySeconds } = node.config.log;
  const timer =
    statsEverySeconds === 0
      ? undefined
      : setInterval(() => {
          node.stats().then(
            (stats) => log.info('stats', { stats }),
            (error: unknown) => log.warn('no stats', { error: errorMessage(error) }),
          );
        }, statsEverySeconds * 1000);
  node.untilUp().then(
    () => {
      if (!node.isStopping) say(`node ${node.self.name} is up; stop it with Ctrl-C`);
    },
    (error: unknown) => log.error('node.notUp', { error: errorMessage(error) }),
  );
  const error = await node.failed;
  clearInterval(timer);
  if (error.code !== 'REMOVED') return { error };
  say(error.message);
  return { error: null };
}

/** SIGINT or SIGTERM; the second one ends the process where it stands. */
function untilToldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1));
        resolve();
      });
    }
  });
}

/** Compiled or not, with the extension of this file. */
function moduleUrl(path: string): URL {
  return new URL(`${path}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}

function say(text: string): void {
  process.stdout.write(`dynactor: ${text}\n`);
}
