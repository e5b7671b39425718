/** Walks over the tree of a simulated disk: all that a name reaches, has reached, or would reach after some crash. */
import { type EditCounter, type NamesEdit, SimDirectory, SimFile, type SimNode } from './sim-inode.ts';

/** Visits each node once, under the path that it has now, if it has one. */
export function walkTree(root: SimDirectory, visit: (node: SimNode, path: string) => void): void {
  const seen = new Set<SimNode>();
  const walk = (node: SimNode, path: string): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.kind === 'file') return visit(node, path);
    const names = [...node.now, ...node.durable, ...node.pending.flatMap(({ changes }) => changes)];
    visit(node, path === '' ? '/' : path);
    for (const [name, child] of names) if (child !== undefined) walk(child, `${path}/${name}`);
  };
  walk(root, '');
}

/** A tree of its own with the same content. */
export function cloneTree(root: SimDirectory, counter: EditCounter): SimDirectory {
  const copies = new Map<SimNode, SimNode>();
  const copyFile = (file: SimFile): SimFile => {
    const copy = new SimFile(counter);
    copies.set(file, copy);
    copy.now.copyFrom(file.now);
    copy.durable.copyFrom(file.durable);
    copy.pending = [...file.pending];
    return copy;
  };
  const copyDirectory = (directory: SimDirectory): SimDirectory => {
    const copy = new SimDirectory(counter);
    copies.set(directory, copy);
    for (const [name, node] of directory.now) copy.now.set(name, copyOf(node));
    for (const [name, node] of directory.durable) copy.durable.set(name, copyOf(node));
    copy.pending = directory.pending.map(
      (edit): NamesEdit => ({ ...edit, changes: edit.changes.map(([name, node]) => [name, node && copyOf(node)]) }),
    );
    return copy;
  };
  const copyOf = (node: SimNode): SimNode => copies.get(node) ?? (node.kind === 'file' ? copyFile(node) : copyDirectory(node));
  return copyDirectory(root);
}
