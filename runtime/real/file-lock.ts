/**
 * File locks without native code: a lock is a file that names its holder.
 *
 * ```
 * LOCK                 the record of D: process, when that began, boot of the machine, descriptor, nonce
 * LOCK.after-<D>       the record of W, who found D dead and claims to come after it
 * LOCK.<nonce>         a record on its way to one of the two names; a second name of the same file while it is held
 * ```
 *
 * Taking it: follow the claims from LOCK to the last record. If that is alive, somebody holds the lock. If it is dead, claim to come after it, by
 * `link`, which succeeds once for a name; then look again whether the claim still follows from LOCK. The winner moves its record to LOCK and
 * removes the claims it followed.
 *
 * Why two starters can't both win: for a dead record there is one claim at a time, and it is removed only after LOCK has changed, which
 * never goes back, since nonces are unique. So who claims behind a removed one finds LOCK changed when it looks again.
 *
 * A record is alive while its process has its descriptor of this very file open. So a number of a process that was given to another one,
 * a thread that ended, and a machine that was started anew leave no lock behind. Where there is no /proc, only the number of the process is
 * compared.
 */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { FileError } from '../files.ts';
import { FILE_PERMISSIONS } from './file-calls.ts';

const ATTEMPTS_MAX = 100;
const START_TIME_FIELD = 19;

interface LockRecord {
  readonly nonce: string;
  readonly pid: number;
  /** In the system's own unit since it booted; empty where it doesn't tell. */
  readonly startTime: string;
  readonly boot: string;
  readonly fd: number;
}

/** A lock that is held until `release`, or until the thread that took it ends. */
export interface HeldLock {
  release(done: (error: { readonly code?: string | undefined } | null) => void): void;
}

/** Calls are few, short and once per engine, but not of a thread that serves: so they are asynchronous. Errors: ELOCKED, and those of the system. */
export function lockFile(path: string, done: (error: NodeJS.ErrnoException | null, lock?: HeldLock) => void): void {
  take(path).then(
    (lock) => setImmediate(done, null, lock),
    (error: NodeJS.ErrnoException) => setImmediate(done, error),
  );
}

async function take(path: string): Promise<HeldLock> {
  const nonce = randomUUID();
  const own = `${path}.${nonce}`;
  const fd = await openNew(own);
  try {
    const record: LockRecord = { nonce, pid: process.pid, fd, ...(await identityOf(process.pid)) };
    await fs.promises.writeFile(own, JSON.stringify(record));
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (await tryTake(path, own, nonce)) {
        // A rename of one name of a file to another of the same file leaves both.
        await fs.promises.rm(own, { force: true });
        return new FileLockHold(path, fd);
      }
    }
    throw new FileError('ELOCKED', 'lock', path);
  } catch (error) {
    await fs.promises.rm(own, { force: true });
    await closed(fd);
    throw error;
  }
}

/** Returns false when something has changed meanwhile and it has to be looked at anew. Errors: ELOCKED. */
async function tryTake(path: string, own: string, nonce: string): Promise<boolean> {
  if (await linked(own, path)) return true;
  const chain = await follow(path);
  const last = chain.at(-1);
  if (last === undefined) return false;
  if (await isAlive(last)) throw new FileError('ELOCKED', 'lock', path);
  const claim = claimAfter(path, last.nonce);
  if (!(await linked(own, claim))) return false;
  const again = await follow(path);
  if (!again.some((link) => link.nonce === nonce)) {
    await fs.promises.rm(claim, { force: true });
    return false;
  }
  await fs.promises.rename(own, path);
  for (const { nonce: before } of again) if (before !== nonce) await fs.promises.rm(claimAfter(path, before), { force: true });
  return true;
}

interface Link {
  readonly nonce: string;
  readonly record: LockRecord | undefined;
  /** Of the file that was read, which may have another name by now. */
  readonly inode: number;
  readonly device: number;
}

/** The record at `path`, then those that claim to come after it, in order. Empty when there is none. */
async function follow(path: string): Promise<Link[]> {
  const chain: Link[] = [];
  let at = path;
  for (;;) {
    const link = await read(at);
    if (link === undefined) return chain;
    chain.push(link);
    at = claimAfter(path, link.nonce);
  }
}

function claimAfter(path: string, nonce: string): string {
  return `${path}.after-${nonce}`;
}

/** What is no record (an empty file, say) is one of nobody, told apart by its inode. */
async function read(at: string): Promise<Link | undefined> {
  let file: fs.promises.FileHandle | undefined;
  try {
    file = await fs.promises.open(at);
    const { ino: inode, dev: device } = await file.stat();
    const record = parse(await file.readFile('utf8'));
    return { nonce: record?.nonce ?? `inode-${inode}`, record, inode, device };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    await file?.close();
  }
}

function parse(text: string): LockRecord | undefined {
  try {
    const value = JSON.parse(text) as LockRecord;
    const isRecord = /^[0-9a-f-]{36}$/.test(value.nonce) && Number.isInteger(value.pid) && Number.isInteger(value.fd);
    return isRecord ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Once false, false for ever. */
async function isAlive({ record, inode, device }: Link): Promise<boolean> {
  if (record === undefined) return false;
  const { boot, startTime } = await identityOf(record.pid);
  if (boot === '') return isProcess(record.pid);
  if (boot !== record.boot || startTime !== record.startTime) return false;
  try {
    const held = await fs.promises.stat(`/proc/${record.pid}/fd/${record.fd}`);
    return held.ino === inode && held.dev === device;
  } catch (error) {
    // Another user's descriptors can't be seen; its process lives.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

/** Empty: not told. */
async function identityOf(pid: number): Promise<{ readonly boot: string; readonly startTime: string }> {
  const boot = await textOf('/proc/sys/kernel/random/boot_id');
  // The name of the program, in parentheses, may hold anything.
  const stat = await textOf(`/proc/${pid}/stat`);
  return { boot, startTime: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME_FIELD] ?? '' };
}

async function textOf(path: string): Promise<string> {
  try {
    return (await fs.promises.readFile(path, 'utf8')).trim();
  } catch {
    return '';
  }
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await fs.promises.link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A number and no `FileHandle`: that would be closed, and the lock with it, when it is collected. */
function openNew(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, 'wx', FILE_PERMISSIONS, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

function closed(fd: number): Promise<void> {
  return new Promise((resolve) => fs.close(fd, () => resolve()));
}

class FileLockHold implements HeldLock {
  readonly #path: string;
  readonly #fd: number;
  #released = false;

  constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  release(done: (error: { readonly code?: string | undefined } | null) => void): void {
    // The name may be another's by now.
    if (this.#released) {
      setImmediate(done, { code: 'EBADF' });
      return;
    }
    this.#released = true;
    // The name first: who finds it without its descriptor open takes the lock of a dead one over.
    fs.unlink(this.#path, (unlinkError) => fs.close(this.#fd, (closeError) => done(unlinkError ?? closeError ?? null)));
  }
}
