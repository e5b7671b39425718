/** What the documents name is there: files, folders, headings, scripts. What they say of them is for people to check. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import test from 'ava';

const LEFT_OUT: readonly string[] = ['.git', 'node_modules', 'dist', 'data'];
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: Readonly<Record<string, string>> };
const files = filesBelow('.');
const names = new Set(files.map((path) => basename(path)));

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (LEFT_OUT.includes(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)];
  });
}

function headingsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** What `text`, the document at `path`, names in vain. */
function missing(path: string, text: string): readonly string[] {
  const found: string[] = [];
  for (const [link, target = '', heading] of text.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)) {
    if (/^https?:/.test(target)) continue;
    const to = target === '' ? path : join(dirname(path), target);
    if (!existsSync(to) || (heading !== undefined && !headingsOf(to === path ? text : readFileSync(to, 'utf8')).includes(heading)))
      found.push(link.slice(2, -1));
  }
  for (const [, code = ''] of text.matchAll(/`([^`\n]+)`/g)) {
    for (const [, script = ''] of code.matchAll(/(?:npm run |\b(?=bench:))([\w:-]+)/g)) if (!(script in scripts)) found.push(script);
    for (const [file] of code.matchAll(/[\w./-]+\.(?:ts|js|md)\b/g)) {
      const source = file.replace('dist/', '').replace(/\.js$/, '.ts');
      const isThere = source.includes('/') ? existsSync(source) || existsSync(join(dirname(path), source)) : names.has(source);
      if (!isThere && !files.some((other) => other.endsWith(`/${source}`))) found.push(file);
    }
  }
  return found;
}

for (const path of files.filter((file) => file.endsWith('.md')))
  test(`documents: ${path} names nothing that is not there`, (t) => {
    t.deepEqual(missing(path, readFileSync(path, 'utf8')), []);
  });

test('documents: what is named in vain is found, when planted', (t) => {
  const text =
    '# A b\n[x](#a-b) [y](#c) [z](no.md) `npm run bench` `bench:no` `cli.ts`, `runtime/cli.ts`, `node dist/bench/no.js`, `ref.ts`';
  t.deepEqual(missing('README.md', text), ['#c', 'no.md', 'bench:no', 'runtime/cli.ts', 'dist/bench/no.js']);
});
