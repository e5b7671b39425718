/**
 * The table of settings: for each its key in the file, its flag, its default and what it is for. The environment's name follows from the key:
 * `http.port` is DYNACTOR_HTTP__PORT, `dataCenter` is DYNACTOR_DATA_CENTER.
 */
export type SettingKind = 'text' | 'number' | 'flag' | 'list';

export interface Setting {
  /** Path in the file, with dots. */
  readonly key: string;
  readonly kind: SettingKind;
  /** As commander takes it; empty: not on the command line. */
  readonly flags: string;
  readonly about: string;
  /** Never shown. */
  readonly isSecret?: boolean;
  /** Undefined: there is none, and `about` says what holds then. */
  readonly byDefault?: string | number | boolean | readonly string[];
}

export const ENVIRONMENT_PREFIX = 'DYNACTOR_';
export const MEMORY_MIB_DEFAULT = 512;

export const SETTINGS: readonly Setting[] = [
  {
    key: 'name',
    kind: 'text',
    flags: '--name <name>',
    about: 'name of the node, unique in its cluster; default: n and the first digits of its id',
  },
  { key: 'data', kind: 'text', flags: '--data <dir>', about: 'data directory', byDefault: 'data' },
  { key: 'host', kind: 'text', flags: '--host <host>', about: 'address to listen on for other nodes', byDefault: '127.0.0.1' },
  {
    key: 'port',
    kind: 'number',
    flags: '--port <port>',
    about: 'port of the main thread; shard s listens at port + 1 + s (0: any free ones)',
    byDefault: 7000,
  },
  { key: 'advertise', kind: 'text', flags: '--advertise <host>', about: 'host under which other nodes reach this one; default: host' },
  { key: 'http.host', kind: 'text', flags: '--http-host <host>', about: 'address of the admin HTTP server', byDefault: '127.0.0.1' },
  { key: 'http.port', kind: 'number', flags: '--http-port <port>', about: 'its port (0: any free one)', byDefault: 9700 },
  {
    key: 'resp.host',
    kind: 'text',
    flags: '--resp-host <host>',
    about: 'address on which Redis clients are served',
    byDefault: '127.0.0.1',
  },
  {
    key: 'resp.port',
    kind: 'number',
    flags: '--resp-port <port>',
    about: 'its port, shared by all shards where Node can (22.12), else of the first alone (0: any free one)',
    byDefault: 6379,
  },
  { key: 'resp.password', kind: 'text', flags: '', isSecret: true, about: 'what Redis clients have to give by AUTH; default: none' },
  {
    key: 'resp.allowDrop',
    kind: 'flag',
    flags: '--resp-allow-drop',
    about: 'let Redis clients drop keyspaces and flush them',
    byDefault: false,
  },
  {
    key: 'memory',
    kind: 'number',
    flags: '--memory <MiB>',
    about:
      "MiB for memtables and their indexes, cached blocks and buffers that are not collected yet, of all shards together, at least 1 for each; a key with all its siblings takes at most 1/16 of a shard's part, and 7 MiB",
    byDefault: MEMORY_MIB_DEFAULT,
  },
  {
    key: 'secret',
    kind: 'text',
    flags: '',
    isSecret: true,
    about:
      'text that all nodes of the cluster have and no client: contexts are sealed with it; default: the id of the cluster, which clients can see',
  },
  { key: 'init', kind: 'flag', flags: '--init', about: 'make a new cluster, if the data directory is empty', byDefault: false },
  { key: 'join', kind: 'list', flags: '--join <seeds>', about: 'enter a cluster by these nodes: host:port[,host:port...]', byDefault: [] },
  {
    key: 'joinTimeoutSeconds',
    kind: 'number',
    flags: '--join-timeout <seconds>',
    about: 'how long to go on asking seeds that do not answer or can not add the node yet',
    byDefault: 60,
  },
  {
    key: 'replace',
    kind: 'text',
    flags: '--replace <name>',
    about: 'join in the place of this member, which is lost for good; default: of none',
  },
  { key: 'dataCenter', kind: 'text', flags: '--dc <name>', about: 'data center', byDefault: 'dc1' },
  { key: 'rack', kind: 'text', flags: '--rack <name>', about: 'rack', byDefault: 'rack1' },
  { key: 'capacity', kind: 'number', flags: '--capacity <count>', about: 'share of the data relative to other nodes', byDefault: 100 },
  {
    key: 'shards',
    kind: 'number',
    flags: '--shards <count>',
    about: 'worker threads that own data, fixed with the first start; default: cores - 1, at least 1',
  },
  { key: 'clusterName', kind: 'text', flags: '--cluster-name <name>', about: 'name of a new cluster, for people', byDefault: 'dynactor' },
  { key: 'partitions', kind: 'number', flags: '--partitions <count>', about: 'partitions of a new ring, a power of two', byDefault: 256 },
  { key: 'modules', kind: 'list', flags: '--module <files>', about: 'modules with actors of your own: file[,file...]', byDefault: [] },
  {
    key: 'gossip.intervalMs',
    kind: 'number',
    flags: '--gossip-interval <ms>',
    about: 'between heartbeats; the same on all nodes',
    byDefault: 1000,
  },
  { key: 'log.level', kind: 'text', flags: '--log-level <level>', about: 'debug, info, warn, error or silent', byDefault: 'info' },
  {
    key: 'log.statsEverySeconds',
    kind: 'number',
    flags: '--stats-every <seconds>',
    about: 'write the counters to the log so often; 0: never',
    byDefault: 0,
  },
];

/** DYNACTOR_HTTP__PORT of `http.port`. */
export function environmentName(key: string): string {
  const words = (part: string): string => part.replace(/([A-Z])/g, '_$1').toUpperCase();
  return `${ENVIRONMENT_PREFIX}${key.split('.').map(words).join('__')}`;
}

/** `--http-port` of the setting, for texts. */
export function flagName(setting: Setting): string {
  return setting.flags.split(' ')[0]!;
}

/** Commander's name for the option: `httpPort`. */
export function optionName(setting: Setting): string {
  return flagName(setting)
    .slice(2)
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
