/**
 * Lanes: the priority of a message, highest first. Order is kept per sender, receiver and lane; between lanes the
 * higher one overtakes, which is their purpose: gossip, acknowledgements and replies never wait behind requests.
 */

export const SYSTEM = 0;
export const CONTROL = 1;
export const RESPONSE = 2;
export const REQUEST = 3;
export const BACKGROUND = 4;
export const LANE_COUNT = 5;

export type Lane = typeof SYSTEM | typeof CONTROL | typeof RESPONSE | typeof REQUEST | typeof BACKGROUND;

/**
 * Lanes that share one connection. Control has a connection of its own, so that it never waits behind bulk in a
 * socket buffer.
 */
export const CONTROL_CLASS = 0;
export const BULK_CLASS = 1;
export const LANE_CLASS_COUNT = 2;
export type LaneClass = typeof CONTROL_CLASS | typeof BULK_CLASS;

export function laneClassOf(lane: Lane): LaneClass {
  return lane <= CONTROL ? CONTROL_CLASS : BULK_CLASS;
}

const LANE_NAMES = ['system', 'control', 'response', 'request', 'background'] as const;
export type LaneName = (typeof LANE_NAMES)[number];

export function laneName(lane: Lane): LaneName {
  return LANE_NAMES[lane];
}
