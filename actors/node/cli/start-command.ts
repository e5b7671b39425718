/** `dynactor start` and `dynactor config`: a node, and what it would be started with. */
import { type Command, Option } from 'commander';
import { errorMessage } from '../../../runtime/errors.ts';
import { readTextFile } from '../../../runtime/real/host.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import { environmentName, SETTINGS, type Setting } from '../config/settings.ts';
import { FORMATS, type Format, formatTable, render } from './output.ts';

const EXIT_USAGE = 2;

export function addStartCommand(program: Command): void {
  withSettings(program.command('start'))
    .description('run a node until it is told to stop (Ctrl-C or SIGTERM)')
    .option('--until-input-ends', 'stop at the end of the standard input too: with the program that started the node, however that ends')
    .action(async ({ untilInputEnds = false }: { readonly untilInputEnds?: boolean }, command: Command) => {
      const resolved = await configOf(command);
      if (resolved === null) return;
      // Why: the other commands don't wait for all that a node loads.
      const { runNode } = await import('./run-node.ts');
      await runNode(resolved.config, { endsWithInput: untilInputEnds });
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
  for (const setting of SETTINGS) if (setting.flags !== '') command.addOption(optionOf(setting));
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
    // Why: the other commands don't wait for what checks it.
    const { resolveConfig } = await import('../config/resolve.ts');
    const file = typeof path === 'string' ? { path, text: await readTextFile(path) } : null;
    return resolveConfig({ flags, environment: process.env, file });
  } catch (error) {
    process.stderr.write(`dynactor: configuration:\n${errorMessage(error).replaceAll(/^/gm, '  ')}\n`);
    process.exitCode = EXIT_USAGE;
    return null;
  }
}

function show({ values, sources }: ResolvedConfig, format: Format): string {
  const shown = SETTINGS.map((setting) => {
    const { key, isSecret = false } = setting;
    const value = values.get(key) ?? null;
    return { key, value: isSecret && value !== null ? '(hidden)' : value, from: sources.get(key) ?? 'not said' };
  });
  return render(shown, format, (settings) =>
    formatTable({ head: ['KEY', 'VALUE', 'FROM'], rows: settings.map(({ key, value, from }) => [key, textOf(value), from]) }),
  );
}

function textOf(value: unknown): string {
  if (value === null) return '-';
  return Array.isArray(value) ? value.join(',') || '-' : String(value);
}
