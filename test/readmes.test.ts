/** What the documents name is there: files, folders, headings, scripts, tests. What they say of them is for people to check. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import test from 'ava';
import { type Source, sourceOf } from './tidy/source.ts';
import { isPrintedAs, titlesOf } from './tidy/titles.ts';

const LEFT_OUT: readonly string[] = ['.git', 'node_modules', 'dist', 'data'];
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: Readonly<Record<string, string>> };
const files = filesBelow('.');
const tests = files
  .filter((file) => file.startsWith('test/') && file.endsWith('.test.ts'))
  .map((path) => sourceOf(path, readFileSync(path, 'utf8')));
const TRAPS = 37;
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

/** Tests that `text` names as `folder/file.test.ts`: `title`, and that are not there; files are below test/. */
function missingTests(text: string, sources: readonly Source[]): readonly string[] {
  return namedTests(text)
    .filter(({ path, title }) => {
      const source = sources.find((it) => it.path === path);
      return source === undefined || !titlesOf(source).some((it) => isPrintedAs(source, it, title));
    })
    .map(({ path, title }) => `${path}: ${title}`);
}

/** Traps that do not have one row; and tests whose titles end with the number of a trap, and that are not in its row. */
function missingTraps(text: string, sources: readonly Source[]): readonly string[] {
  const rows = Array.from({ length: TRAPS }, (_, index) => text.split('\n').filter((line) => line.startsWith(`| T${index + 1} |`)));
  const found = rows.flatMap((row, index) => (row.length === 1 ? [] : [`T${index + 1}: ${row.length} rows`]));
  for (const source of sources) {
    for (const title of titlesOf(source)) {
      const [, marks = ''] = /\[([^\]]*)\]$/.exec(title.text) ?? [];
      for (const [trap, number] of marks.matchAll(/\bT(\d+)\b/g)) {
        const named = namedTests(rows[Number(number) - 1]?.join() ?? '').filter(({ path }) => path === source.path);
        if (!named.some((it) => isPrintedAs(source, title, it.title))) found.push(`${trap}: ${source.path}: ${title.text}`);
      }
    }
  }
  return found;
}

function namedTests(text: string): readonly { readonly path: string; readonly title: string }[] {
  return [...text.matchAll(/`([\w./-]+\.test\.ts)`: `([^`\n]+)`/g)].map(([, path = '', title = '']) => ({ path: `test/${path}`, title }));
}

for (const path of files.filter((file) => file.endsWith('.md')))
  test(`documents: ${path} names nothing that is not there`, (t) => {
    t.deepEqual(missing(path, readFileSync(path, 'utf8')), []);
  });

test('documents: every test that is named is there', (t) => {
  const texts = files.filter((file) => file.endsWith('.md')).map((path) => readFileSync(path, 'utf8'));
  t.true(texts.flatMap(namedTests).length > TRAPS);
  t.deepEqual(
    texts.flatMap((text) => missingTests(text, tests)),
    [],
  );
});

test('documents: every trap has its row in test/README.md, with the tests that carry its number', (t) => {
  t.deepEqual(missingTraps(readFileSync('test/README.md', 'utf8'), tests), []);
});

test('documents: tests and traps that are named in vain or not at all are found, when planted', (t) => {
  const source = sourceOf(
    'test/a.test.ts',
    `for (const x of ['fast']) test(\`ring: is $\{x}, $\{n} times [T2]\`, f);\ntest('ring: x [T3]', f);`,
  );
  const row = '`a.test.ts`: `ring: is fast, 12 times [T2]`<br>`a.test.ts`: `ring: is slow, 12 times [T2]`<br>`b.test.ts`: `ring: x [T3]`';
  t.deepEqual(missingTests(row, [source]), ['test/a.test.ts: ring: is slow, 12 times [T2]', 'test/b.test.ts: ring: x [T3]']);
  const others = Array.from({ length: TRAPS - 3 }, (_, index) => `| T${index + 4} | x | x |`);
  const text = [`| T2 | x | ${row} |`, '| T3 | x | x |', '| T3 | y | y |', ...others].join('\n');
  t.deepEqual(missingTraps(text, [source]), ['T1: 0 rows', 'T3: 2 rows', 'T3: test/a.test.ts: ring: x [T3]']);
});

test('documents: what is named in vain is found, when planted', (t) => {
  const text =
    '# A b\n[x](#a-b) [y](#c) [z](no.md) `npm run bench` `bench:no` `cli.ts`, `runtime/cli.ts`, `node dist/bench/no.js`, `ref.ts`';
  t.deepEqual(missing('README.md', text), ['#c', 'no.md', 'bench:no', 'runtime/cli.ts', 'dist/bench/no.js']);
});
