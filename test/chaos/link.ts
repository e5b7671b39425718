/** Links: what is wrong, at this moment, with the way from one node to another. Each direction is a link of its own, whoever has dialled. */

export interface LinkFaults {
  /** How late bytes come, and how much later at most, by chance. In order all the same: it is one stream. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** 0: as many as there are. */
  readonly bytesPerSecond: number;
  /** Bytes wait, and all come when this ends: very late messages. */
  readonly isStalled: boolean;
  /** Bytes, and ends of connections, are lost without a sound. A connection that has lost some is reset when this ends. */
  readonly isCut: boolean;
}

export const NO_FAULTS: LinkFaults = { delayMs: 0, jitterMs: 0, bytesPerSecond: 0, isStalled: false, isCut: false };

export class Link {
  readonly from: string;
  readonly to: string;
  faults: LinkFaults = NO_FAULTS;
  /** After so many more bytes the connection that carries the last of them is reset, once; -1: none is. */
  resetAfterBytes = -1;
  /** Of all connections so far. */
  lostBytes = 0;

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }
}

export class Links {
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Set<() => void>();

  of(from: string, to: string): Link {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new Link(from, to);
      this.#links.set(name, link);
    }
    return link;
  }

  set(from: string, to: string, faults: Partial<LinkFaults>): void {
    const link = this.of(from, to);
    link.faults = { ...link.faults, ...faults };
    this.#tell();
  }

  /** See `Link.resetAfterBytes`. */
  resetAfter(from: string, to: string, bytes: number): void {
    this.of(from, to).resetAfterBytes = bytes;
  }

  /** No link has a fault any more. */
  heal(): void {
    for (const link of this.#links.values()) {
      link.faults = NO_FAULTS;
      link.resetAfterBytes = -1;
    }
    this.#tell();
  }

  /** Told of every change of faults. Returns how to end it. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
