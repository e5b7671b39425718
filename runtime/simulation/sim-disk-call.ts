/** One call of a simulated disk: it is counted, meets its fault, and takes effect. */
import { FileError } from '../files.ts';
import type { DiskFault, DiskOperation } from './disk-faults.ts';
import { PowerLossError, type SimDisk } from './sim-disk.ts';
import type { SimNode } from './sim-inode.ts';

/** `effect` is told the fault for what only it can do wrong. Throws FileError and PowerLossError. */
export function diskCall<T>(
  disk: SimDisk,
  generation: number,
  operation: DiskOperation,
  path: string,
  offset: number,
  length: number,
  effect: (fault: DiskFault | undefined) => T,
): T {
  const number = disk.countCall(generation);
  const fault = disk.onCall?.({ number, operation, path, offset, length });
  // The hook may have done it itself.
  disk.checkPower(generation);
  if (fault?.kind === 'error' && !hasEffect(fault, operation)) throw new FileError(fault.code, operation, path);
  if (fault?.kind === 'powerLoss' && fault.when === 'before') losePower(disk);
  const result = effect(fault);
  if (fault?.kind === 'powerLoss') losePower(disk);
  return result;
}

/** An error that is more than that nothing happened. */
function hasEffect(fault: DiskFault & { readonly kind: 'error' }, operation: DiskOperation): boolean {
  if (operation === 'pwrite') return fault.written !== undefined;
  return fault.marksClean === true && (operation === 'datasync' || operation === 'syncDir');
}

/** Makes durable what a sync is to, or as much of it as its fault leaves. */
export function endSync(node: SimNode, until: number, fault: DiskFault | undefined, operation: string, path: string): void {
  if (fault?.kind === 'lost') return;
  if (fault?.kind === 'error') {
    node.takePending(until);
    throw new FileError(fault.code, operation, path);
  }
  node.sync(until);
}

function losePower(disk: SimDisk): never {
  disk.powerOff();
  throw new PowerLossError();
}
