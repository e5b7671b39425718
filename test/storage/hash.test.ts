import { fc, testProp } from '@fast-check/ava';
import { hashKey, hashKeyInWords } from '../../storage/hash.ts';

testProp(
  'hash: of bytes in words it is that of the bytes, whatever is around them',
  [fc.uint8Array({ maxLength: 40 }), fc.nat(255)],
  (t, key, around) => {
    const words = new Uint32Array(12).fill(around * 0x0101_0101);
    new Uint8Array(words.buffer).set(key, 4);
    t.is(hashKeyInWords(words, 1, key.length), hashKey(key, 0, key.length));
  },
);
