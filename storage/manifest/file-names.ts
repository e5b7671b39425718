/** Names of the files of a database. storage/FORMAT.md, "Files of a database". */

export type FileName =
  | { readonly kind: 'log' | 'table' | 'manifest'; readonly number: number }
  | { readonly kind: 'current' | 'lock' }
  /** Left by a crash: of a file that was being made. `number`: that it was to have; 0: none. */
  | { readonly kind: 'temporary'; readonly number: number }
  | { readonly kind: 'unknown' };

export const CURRENT_NAME = 'CURRENT';
export const LOCK_NAME = 'LOCK';
const TEMPORARY = '.new';
/** Numbers have at least so many digits, so that names sort as numbers for long. */
const DIGITS = 6;
export const FILE_NUMBER_MAX = 0xffff_ffff;

export function logName(number: number): string {
  return `${digits(number)}.log`;
}

export function tableName(number: number): string {
  return `${digits(number)}.sst`;
}

export function manifestName(number: number): string {
  return `MANIFEST-${digits(number)}`;
}

/** What a file is called until it is whole. */
export function temporaryName(name: string): string {
  return name + TEMPORARY;
}

/** Only what the functions above make is known: `7.log` is not. */
export function parseFileName(name: string): FileName {
  if (name === CURRENT_NAME) return { kind: 'current' };
  if (name === LOCK_NAME) return { kind: 'lock' };
  if (name.endsWith(TEMPORARY)) {
    const whole = parseFileName(name.slice(0, -TEMPORARY.length));
    if (whole.kind === 'unknown' || whole.kind === 'temporary' || whole.kind === 'lock') return { kind: 'unknown' };
    return { kind: 'temporary', number: 'number' in whole ? whole.number : 0 };
  }
  const numbered = /^(?:(?<manifest>MANIFEST-)(?<a>\d{6,10})|(?<b>\d{6,10})\.(?<extension>log|sst))$/.exec(name)?.groups;
  if (numbered === undefined) return { kind: 'unknown' };
  const number = Number(numbered.a ?? numbered.b);
  const kind = numbered.manifest !== undefined ? 'manifest' : numbered.extension === 'log' ? 'log' : 'table';
  const format = kind === 'manifest' ? manifestName : kind === 'log' ? logName : tableName;
  return number >= 1 && number <= FILE_NUMBER_MAX && format(number) === name ? { kind, number } : { kind: 'unknown' };
}

export interface LiveFiles {
  /** Numbers of the tables of all states in use, and of those being made. */
  readonly tables: { has(number: number): boolean };
  /** Segments below are obsolete. */
  readonly logNumber: number;
  readonly manifestNumber: number;
}

/** Whether the file may be removed. What is unknown never is. */
export function isObsolete(name: FileName, live: LiveFiles): boolean {
  switch (name.kind) {
    case 'log':
      return name.number < live.logNumber;
    case 'table':
      return !live.tables.has(name.number);
    case 'manifest':
      return name.number !== live.manifestNumber;
    case 'temporary':
      return true;
    case 'current':
    case 'lock':
    case 'unknown':
      return false;
  }
}

function digits(number: number): string {
  return String(number).padStart(DIGITS, '0');
}
