import type { PlantedBug } from './types.ts';

/**
 * A node acknowledges when the write was begun, not when fsync has returned. A crash takes back what it promised.
 * Forbidden by §3.8 and §10.2.1 (an entry is on stable storage before it is acknowledged).
 */
export const acknowledgedBeforeFsync: PlantedBug = {
  name: 'acknowledged-before-fsync',
  mistake: 'entries are acknowledged before fsync has returned',
  forbiddenBy: '§3.8, §10.2.1',
  caughtBy: ['durability'],
  seedsMax: 20,
  variation: () => ({ release: 'written' }),
};
