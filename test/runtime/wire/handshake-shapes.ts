/** Single fields of a HELLO, and what is said when they are of the wrong form. */

export interface WrongField {
  readonly index: number;
  readonly value: unknown;
  readonly message: RegExp;
}

const NO_UINT = /expected an unsigned integer/;
const NO_NAME = /node name: expected 1 to 64 of/;

export const SINGLES: readonly WrongField[] = [
  { index: 0, value: 'one', message: NO_UINT },
  { index: 1, value: 1.5, message: NO_UINT },
  { index: 2, value: null, message: /cluster is object, expected text/ },
  { index: 2, value: 'c'.repeat(129), message: /cluster is .*, expected text of at most 128/ },
  { index: 3, value: '', message: NO_NAME },
  { index: 3, value: 'a/b', message: NO_NAME },
  { index: 3, value: 'a\nb', message: NO_NAME },
  { index: 3, value: 'n'.repeat(65), message: NO_NAME },
  { index: 3, value: ['a'], message: /node is object, expected text/ },
  { index: 4, value: 256, message: /shard is "256", expected 0 to 255 or 65535/ },
  { index: 4, value: -1, message: /shard is "-1"/ },
  { index: 4, value: '3', message: /shard is "3"/ },
  { index: 5, value: 0x20_0000, message: /boot is 2097152, 4294967295/ },
  { index: 6, value: 2 ** 32, message: /boot is/ },
  { index: 6, value: -1, message: NO_UINT },
  { index: 7, value: 2, message: /laneClass 2, expected 0 to 1/ },
  { index: 8, value: 'b b', message: NO_NAME },
  { index: 9, value: 70_000, message: /shard is "70000"/ },
  { index: 10, value: -4096, message: NO_UINT },
  { index: 11, value: false, message: NO_UINT },
];
