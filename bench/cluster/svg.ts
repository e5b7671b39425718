/** The results as a picture: bars of operations per second, and latency by percentile in open loop. */
import { short } from '../lib/report.ts';
import type { Result } from './result.ts';
import { groupsOf } from './tables.ts';
import type { TargetName } from './target.ts';

const WIDTH = 1_000;
const LEFT = 150;
const RIGHT = 40;
const BAR = 11;
const GAP = 9;
const TITLE = 34;
const CURVES = { width: 270, height: 170, perLine: 3, margin: 50 } as const;
/** Curves end where so few operations are left that one stands for the point. */
const OPERATIONS_PER_POINT = 2;
const COLORS: Readonly<Record<TargetName, string>> = {
  'dynactor-resp': '#1b6ca8',
  'dynactor-client': '#63b3e4',
  'dynactor-one': '#7a5195',
  redis: '#c0392b',
  'redis-wait': '#e59866',
  etcd: '#7d8597',
  given: '#4c956c',
};

export function svgOf(results: readonly Result[], heading: string): string {
  const parts: string[] = [text(10, 22, heading, 'font-size="14" font-weight="bold"'), legend(results)];
  let y = 60;
  for (const group of groupsOf(results)) {
    const panel = group[0]!.loop === 'closed' ? bars(group, y) : curves(group, y);
    parts.push(...panel.parts);
    y += panel.height;
  }
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 10}" font-family="sans-serif" font-size="11">`;
  return `${[open, `<rect width="${WIDTH}" height="${y + 10}" fill="white"/>`, ...parts, '</svg>'].join('\n')}\n`;
}

interface Panel {
  readonly parts: readonly string[];
  readonly height: number;
}

function bars(group: readonly Result[], top: number): Panel {
  const { durability, valueBytes } = group[0]!;
  const most = Math.max(...group.map(({ figures }) => figures.perSecond));
  const parts = [
    text(10, top + 18, `operations per second, closed loop, durability ${durability}, values of ${valueBytes} B`, 'font-weight="bold"'),
  ];
  let y = top + TITLE;
  for (const row of new Set(group.map((result) => result.row))) {
    const results = group.filter((result) => result.row === row);
    parts.push(text(LEFT - 8, y + (results.length * BAR) / 2 + 4, row, 'text-anchor="end"'));
    for (const { target, figures } of results) {
      const width = (figures.perSecond / most) * (WIDTH - LEFT - RIGHT - 60);
      parts.push(`<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 1}" fill="${COLORS[target]}"/>`);
      parts.push(text(LEFT + width + 4, y + BAR - 2, short(figures.perSecond), 'font-size="9"'));
      y += BAR;
    }
    y += GAP;
  }
  return { parts, height: y - top + GAP };
}

function curves(group: readonly Result[], top: number): Panel {
  const { durability, valueBytes } = group[0]!;
  const rows = [...new Set(group.map((result) => result.row))];
  const title = `latency in ms by percentile, open loop, timed from the intended start, durability ${durability}, values of ${valueBytes} B`;
  const parts = [text(10, top + 18, title, 'font-weight="bold"')];
  for (const [i, row] of rows.entries()) {
    const x = CURVES.margin + (i % CURVES.perLine) * (CURVES.width + CURVES.margin);
    const y = top + TITLE + Math.floor(i / CURVES.perLine) * (CURVES.height + CURVES.margin);
    parts.push(
      ...curve(
        group.filter((result) => result.row === row),
        row,
        x,
        y,
      ),
    );
  }
  return { parts, height: TITLE + Math.ceil(rows.length / CURVES.perLine) * (CURVES.height + CURVES.margin) };
}

/** Across: a step halves the rest of operations; up: milliseconds by powers of ten. */
function curve(results: readonly Result[], row: string, left: number, top: number): string[] {
  const shown = results.map((result) => ({
    ...result,
    curve: result.curve.filter(([share]) => (1 - share) * result.figures.operations >= OPERATIONS_PER_POINT),
  }));
  const all = shown.flatMap((result) => result.curve.map(([, ms]) => ms));
  const low = Math.floor(Math.log10(Math.max(0.01, Math.min(...all))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all))));
  const steps = Math.max(1, ...shown.map((result) => result.curve.length - 1));
  const xOf = (share: number): number => left + (-Math.log2(1 - share) / steps) * CURVES.width;
  const yOf = (ms: number): number => top + CURVES.height - ((Math.log10(Math.max(0.01, ms)) - low) / (high - low)) * CURVES.height;
  const parts = [
    `<rect x="${left}" y="${top}" width="${CURVES.width}" height="${CURVES.height}" fill="none" stroke="#bbb"/>`,
    text(left + 4, top + 12, row, ''),
  ];
  for (let power = low; power <= high; power++)
    parts.push(text(left - 4, yOf(10 ** power) + 4, String(10 ** power), 'text-anchor="end" font-size="9"'));
  for (const share of [0.5, 0.9, 0.99, 0.999, 0.9999]) {
    if (xOf(share) > left + CURVES.width) break;
    parts.push(text(xOf(share), top + CURVES.height + 12, String(Number((share * 100).toFixed(2))), 'text-anchor="middle" font-size="9"'));
  }
  for (const { target, curve: points } of shown) {
    const line = points.map(([share, ms]) => `${xOf(share).toFixed(1)},${yOf(ms).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${line}" fill="none" stroke="${COLORS[target]}" stroke-width="1.5"/>`);
  }
  return parts;
}

function legend(results: readonly Result[]): string {
  const targets = [...new Set(results.map(({ target }) => target))];
  return targets
    .map(
      (target, i) =>
        `<rect x="${10 + i * 140}" y="36" width="10" height="10" fill="${COLORS[target]}"/>${text(25 + i * 140, 45, target, '')}`,
    )
    .join('\n');
}

function text(x: number, y: number, content: string, more: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escaped}</text>`;
}
