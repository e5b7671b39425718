/** Which messages of a timeline are drawn, when there are too many for a person: those of the key in question, around what happened to it; else a sample. */
import { type Arrow, isOfKey, isOfNode, type Timeline, type TimelineFilter } from './timeline.ts';

export interface ChosenArrows {
  readonly arrows: readonly Arrow[];
  /** For people: which they are, of how many. */
  readonly text: string;
}

const ARROWS_MAX = 1_200;

/** Those within one node are never drawn. The key is that of the filter, or of the violation. */
export function chooseArrows({ arrows, spans, key: violated }: Timeline, { key, node }: TimelineFilter, most = ARROWS_MAX): ChosenArrows {
  const between = arrows.filter(({ from, to }) => from !== to && isOfNode([from, to], node));
  const wanted = key ?? (violated === '' ? undefined : violated);
  const data = between.filter((arrow) => arrow.key !== '' && isOfKey(arrow.key, wanted));
  const all = data.length > 0 || wanted !== undefined ? data : between;
  const about = wanted === undefined ? 'that carry data' : `about ${wanted}`;
  if (all.length <= most) return { arrows: all, text: `${all.length} of ${between.length} messages: those ${about}` };
  const suspects = spans.filter(({ isSuspect }) => isSuspect);
  if (suspects.length === 0)
    return { arrows: sampled(all, most), text: `${most} of ${between.length} messages: a sample of those ${about}` };
  const distance = ({ sentMs }: Arrow): number => Math.min(...suspects.map(({ fromMs }) => Math.abs(fromMs - sentMs)));
  const nearest = [...all].sort((a, b) => distance(a) - distance(b)).slice(0, most);
  return { arrows: nearest, text: `${most} of ${between.length} messages: those ${about}, around the marked requests` };
}

function sampled(arrows: readonly Arrow[], most: number): readonly Arrow[] {
  return Array.from({ length: most }, (_, index) => arrows[Math.floor((index * arrows.length) / most)]!);
}
