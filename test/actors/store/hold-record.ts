/** Puts a record into a replica as it is, past all coordinators. */
import { MERGE_IN, ReplicaCall } from '../../../actors/store/replica-call.ts';
import type { Replicas } from '../../../actors/store/replicas.ts';
import { encodeNaive, type NaiveRecord } from '../version/naive-record.ts';

export function holdRecord(
  replicas: Replicas,
  keyspace: number,
  token: readonly [high: number, low: number],
  key: string,
  record: NaiveRecord,
): void {
  const call = new ReplicaCall();
  call.verb = MERGE_IN;
  call.keyspace = keyspace;
  [call.tokenHigh, call.tokenLow] = token;
  call.key = Buffer.from(key);
  call.keyEnd = call.key.length;
  call.bytes = encodeNaive(record);
  call.end = call.bytes.length;
  call.sink = {
    found() {},
    made() {},
    stored() {},
    failed(_token, status, message) {
      throw new Error(`hold: ${status} ${message}`);
    },
  };
  replicas.run(call);
}
