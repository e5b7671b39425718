/** Where the lanes of a timeline are, and in which row of its lane each span is, so that no two overlap. Pixels. */
import type { Span } from './timeline.ts';

export interface Lane {
  readonly name: string;
  readonly top: number;
  readonly height: number;
  /** Where messages begin and end. */
  readonly axis: number;
}

/** A span in one lane; a fault that is on several nodes has one for each. */
export interface PlacedSpan {
  readonly span: Span;
  readonly top: number;
  readonly height: number;
}

export interface Layout {
  readonly lanes: readonly Lane[];
  readonly bands: readonly PlacedSpan[];
  readonly boxes: readonly PlacedSpan[];
  readonly height: number;
}

const TOP = 28;
const BAND_ROW = 13;
const BOX_ROW = 14;
const ROWS_MAX = 8;
const GAP = 14;
/** Shorter ones are drawn as long as this. */
const SHORTEST_SHARE = 1 / 220;

/** `viewMs`: how much is seen at first: what is shorter than a label there gets a row as if it were as long. */
export function layOut(names: readonly string[], spans: readonly Span[], endMs: number, viewMs: number): Layout {
  const lanes: Lane[] = [];
  const bands: PlacedSpan[] = [];
  const boxes: PlacedSpan[] = [];
  let top = TOP;
  for (const name of names) {
    const own = spans.filter((span) => span.lanes.includes(name));
    const faults = inRows(
      own.filter(({ kind }) => kind !== 'request'),
      endMs,
      viewMs,
    );
    const requests = inRows(
      own.filter(({ kind }) => kind === 'request'),
      endMs,
      viewMs,
    );
    const axis = top + Math.max(1, faults.rows) * BAND_ROW + 6;
    for (const [span, row] of faults.placed) bands.push({ span, top: top + row * BAND_ROW, height: BAND_ROW - 1 });
    for (const [span, row] of requests.placed) boxes.push({ span, top: axis + 6 + row * BOX_ROW, height: BOX_ROW - 2 });
    const height = axis + 6 + Math.max(1, requests.rows) * BOX_ROW - top;
    lanes.push({ name, top, height, axis });
    top += height + GAP;
  }
  return { lanes, bands, boxes, height: top };
}

/** The first row in which there is room; beyond ROWS_MAX the last one. */
function inRows(
  spans: readonly Span[],
  endMs: number,
  viewMs: number,
): { readonly placed: readonly (readonly [Span, number])[]; readonly rows: number } {
  const busyUntil: number[] = [];
  const placed = [...spans]
    .sort((a, b) => a.fromMs - b.fromMs)
    .map((span): readonly [Span, number] => {
      const until = Math.max(span.toMs ?? endMs, span.fromMs + viewMs * SHORTEST_SHARE);
      const free = busyUntil.findIndex((ms) => ms <= span.fromMs);
      const row = free >= 0 ? free : Math.min(busyUntil.length, ROWS_MAX - 1);
      busyUntil[row] = Math.max(busyUntil[row] ?? 0, until);
      return [span, row];
    });
  return { placed, rows: busyUntil.length };
}
