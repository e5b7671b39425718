/** Opens what a store of replicas lies on: its engine, and the source of its dots and stamps. */
import { Engine } from '../../storage/engine/engine.ts';
import { type StorageDone, StorageError } from '../../storage/errors.ts';
import { Floors } from '../purge/floors.ts';
import { Minting } from './minting.ts';
import type { ReplicasOptions } from './replicas-options.ts';

export interface OpenedStore {
  readonly engine: Engine;
  readonly minting: Minting;
}

export function floorsOf({ doors, mutants, recordPurged }: ReplicasOptions): Floors {
  return new Floors({ log: doors.log, nowMs: () => doors.clock.now(), wallMs: () => doors.clock.wall(), recordPurged, mutants });
}

/** Fills `floors`. `done` comes once, outside of turns. Where it fails nothing is left open. */
export function openStore(options: ReplicasOptions, floors: Floors, done: StorageDone<OpenedStore>): void {
  const { dir, doors, ring, leaseCounters, driftMaxMs, mutants } = options;
  Engine.open(dir, options.engine ?? {}, doors, (opened) => {
    if (!opened.ok) return done(opened);
    const engine = opened.value;
    const fail = (error: StorageError): void => engine.close(() => done({ ok: false, error }));
    let minting: Minting;
    try {
      minting = new Minting({
        engine,
        clock: doors.clock,
        random: doors.random,
        log: doors.log,
        changed: ring,
        ...(leaseCounters === undefined ? {} : { leaseCounters }),
        ...(driftMaxMs === undefined ? {} : { driftMaxMs }),
        ...(mutants === undefined ? {} : { mutants }),
      });
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return fail(error);
    }
    minting.open((error) => {
      if (error !== undefined) return fail(error);
      floors.load(engine, (trouble) => {
        if (trouble !== undefined) return fail(trouble);
        minting.follow(floors.latestStamp);
        done({ ok: true, value: { engine, minting } });
      });
    });
  });
}
