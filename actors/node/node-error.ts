/** Why a node does not start, for the person who started it. */

export type NodeErrorCode =
  /** The data directory is another process's at present. */
  | 'IN_USE'
  /** The directory holds files, but is not one of a node. */
  | 'NOT_A_NODE'
  | 'DAMAGED'
  | 'NEWER_FORMAT'
  /** The directory is of a node with another name, of another cluster, or made for another number of shards. */
  | 'OTHER_NAME'
  | 'OTHER_CLUSTER'
  | 'OTHER_SHARDS'
  /** An empty directory, and not said whether to make a cluster or to join one. */
  | 'NO_CLUSTER'
  /** No seed could be asked, or none of those asked let the node in. */
  | 'CANNOT_JOIN'
  /** Another process runs with this directory's id, or the directory is an old copy. */
  | 'DUPLICATE'
  /** The ring has let this node go. */
  | 'REMOVED'
  | 'INVALID_CONFIG'
  | 'IO';

export class NodeError extends Error {
  readonly code: NodeErrorCode;

  constructor(code: NodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NodeError';
    this.code = code;
  }
}
